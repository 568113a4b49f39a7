# Alpine Linux Package Manager (apk) in Image
package pyrox.apk

violations contains message if {
	some index, container in input.deployment.containers
	some component in input.images[index].scan.components
	lower(component.name) in {"apk-tools"}
	message := sprintf(
		"Container '%s' includes component '%s' (version %s)",
		[container.name, component.name, component.version],
	)
}
