# No CPU request or memory limit specified
package pyrox.no_resources_specified

violations contains message if {
	some container in input.deployment.containers
	abs(container.resources.cpuCoresRequest) < 0.0001
	message := sprintf("CPU request set to 0 cores for container '%s'", [container.name])
}

violations contains message if {
	some container in input.deployment.containers
	abs(container.resources.memoryMbLimit) < 0.0001
	message := sprintf("Memory limit set to 0 MB for container '%s'", [container.name])
}
