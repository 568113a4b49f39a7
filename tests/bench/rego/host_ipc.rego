# Docker CIS 5.16: Ensure that the host's IPC namespace is not shared
package pyrox.host_ipc

violations contains "Deployment uses the host's IPC namespace" if {
	input.deployment.hostIpc
}
