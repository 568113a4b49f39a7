# Secure Shell (ssh) Port Exposed
package pyrox.container_port_22

violations contains message if {
	some port in input.deployment.ports
	port.containerPort == 22
	startswith(lower(port.protocol), "tcp")
	message := sprintf("Exposed port %d/%s is present", [port.containerPort, port.protocol])
}
