# Privileged Container
package pyrox.privileged

violations contains message if {
	some container in input.deployment.containers
	container.securityContext.privileged
	message := sprintf("Container '%s' is privileged", [container.name])
}
