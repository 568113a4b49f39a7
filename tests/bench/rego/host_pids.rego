# Docker CIS 5.15: Ensure that the host's process namespace is not shared
package pyrox.host_pids

violations contains "Deployment uses the host's process ID namespace" if {
	input.deployment.hostPid
}
