# Red Hat Package Manager in Image
package pyrox.dnf

violations contains message if {
	some index, container in input.deployment.containers
	some component in input.images[index].scan.components
	lower(component.name) in {"rpm", "microdnf", "dnf", "yum"}
	message := sprintf(
		"Container '%s' includes component '%s' (version %s)",
		[container.name, component.name, component.version],
	)
}
