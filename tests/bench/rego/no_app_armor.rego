# Docker CIS 5.1 Ensure that, if applicable, an AppArmor Profile is enabled
package pyrox.no_app_armor

violations contains message if {
	some container in input.deployment.containers
	profile := container.config.appArmorProfile
	lower(profile) == "unconfined"
	message := sprintf("Container '%s' has AppArmor profile type '%s'", [container.name, profile])
}
