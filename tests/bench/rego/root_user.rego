# Docker CIS 4.1: Ensure That a User for the Container Has Been Created
package pyrox.root_user

violations contains message if {
	some index, container in input.deployment.containers
	user := input.images[index].metadata.v1.user
	lower(user) in {"0", "root"}
	message := sprintf("Container '%s' has image with user '%s'", [container.name, user])
}
