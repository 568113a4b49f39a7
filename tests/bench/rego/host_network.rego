# Docker CIS 5.9 and 5.20: Ensure that the host's network namespace is not shared
package pyrox.host_network

violations contains "Deployment uses the host's network namespace" if {
	input.deployment.hostNetwork
}
