# Container with privilege escalation allowed
package pyrox.privilege_escalation

violations contains message if {
	some container in input.deployment.containers
	container.securityContext.allowPrivilegeEscalation
	message := sprintf("Container '%s' allows privilege escalation", [container.name])
}
