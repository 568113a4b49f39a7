# Latest tag
package pyrox.latest_tag

violations contains message if {
	some index, container in input.deployment.containers
	tag := input.images[index].name.tag
	lower(tag) == "latest"
	message := sprintf("Container '%s' has image with tag '%s'", [container.name, tag])
}
