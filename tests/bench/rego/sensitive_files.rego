# Mounting Sensitive Host Directories
package pyrox.sensitive_files

violations contains message if {
	some container in input.deployment.containers
	some volume in container.volumes
	regex.match(`^(?i:(/etc/.*|/sys/.*|/dev/.*|/proc/.*|/var/.*))$`, volume.source)
	message := sprintf(
		"%s volume '%s' has source '%s', destination '%s', and type '%s'",
		[access(volume), volume.name, volume.source, volume.destination, volume.type],
	)
}

access(volume) := "Read-only" if volume.readOnly

access(volume) := "Writable" if not volume.readOnly
