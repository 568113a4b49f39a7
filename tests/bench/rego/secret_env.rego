# Environment Variable Contains Secret
package pyrox.secret_env

violations contains message if {
	some container in input.deployment.containers
	some variable in container.config.env
	variable.envVarSource == "RAW"
	regex.match(`^(?i:(.*SECRET.*|.*PASSWORD.*))$`, variable.key)
	message := sprintf("Environment variable '%s' is present in container '%s'", [variable.key, container.name])
}
