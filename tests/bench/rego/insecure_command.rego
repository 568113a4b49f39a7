# Insecure specified in CMD
package pyrox.insecure_command

violations contains message if {
	some index, container in input.deployment.containers
	some layer in input.images[index].metadata.v1.layers
	upper(layer.instruction) == "CMD"
	regex.match(`^(?i:.*insecure.*)$`, layer.value)
	message := sprintf(
		"Dockerfile line '%s %s' found in container '%s'",
		[layer.instruction, cut(layer.value), container.name],
	)
}

cut(value) := value if count(value) <= 32

cut(value) := sprintf("%s...", [substring(value, 0, 32)]) if count(value) > 32
