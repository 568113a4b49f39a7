# Docker CIS 4.7: Alert on Update Instruction
package pyrox.update_instructions

violations contains message if {
	some index, container in input.deployment.containers
	some layer in input.images[index].metadata.v1.layers
	upper(layer.instruction) == "RUN"
	some pattern in patterns
	regex.match(pattern, layer.value)
	message := sprintf(
		"Dockerfile line '%s %s' found in container '%s'",
		[layer.instruction, cut(layer.value), container.name],
	)
}

patterns := [
	`^(?i:(/bin/sh -c)?\s*apk update\s*)$`,
	`^(?i:(/bin/sh -c)?\s*apt update\s*)$`,
	`^(?i:(/bin/sh -c)?\s*apt-get update\s*)$`,
	`^(?i:(/bin/sh -c)?\s*yum update\s*)$`,
]

cut(value) := value if count(value) <= 32

cut(value) := sprintf("%s...", [substring(value, 0, 32)]) if count(value) > 32
