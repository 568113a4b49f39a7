# CAP_SYS_ADMIN capability added
package pyrox.cap_sys_admin

violations contains message if {
	some container in input.deployment.containers
	some capability in container.securityContext.addCapabilities
	upper(capability) == "SYS_ADMIN"
	message := sprintf("Container '%s' adds capability %s", [container.name, capability])
}
