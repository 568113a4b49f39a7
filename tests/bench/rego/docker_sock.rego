# Mount Container Runtime Socket
package pyrox.docker_sock

violations contains message if {
	some container in input.deployment.containers
	some volume in container.volumes
	volume.source in {"/var/run/docker.sock", "/var/run/crio/crio.sock", "/run/crio/crio.sock"}
	message := sprintf(
		"%s volume '%s' has source '%s', destination '%s', and type '%s'",
		[access(volume), volume.name, volume.source, volume.destination, volume.type],
	)
}

access(volume) := "Read-only" if volume.readOnly

access(volume) := "Writable" if not volume.readOnly
