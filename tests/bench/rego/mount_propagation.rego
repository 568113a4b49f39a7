# Docker CIS 5.19: Ensure mount propagation mode is not enabled
package pyrox.mount_propagation

violations contains message if {
	some container in input.deployment.containers
	some volume in container.volumes
	volume.mountPropagation == "BIDIRECTIONAL"
	message := sprintf(
		"%s volume '%s' has source '%s', destination '%s', type '%s', and mount propagation 'bidirectional'",
		[access(volume), volume.name, volume.source, volume.destination, volume.type],
	)
}

access(volume) := "Read-only" if volume.readOnly

access(volume) := "Writable" if not volume.readOnly
