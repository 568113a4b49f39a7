# Kubernetes Dashboard Deployed
package pyrox.k8s_dashboard

violations contains message if {
	some index, container in input.deployment.containers
	remote := input.images[index].name.remote
	regex.match(`^(?i:.*kubernetesui/dashboard.*)$`, remote)
	message := sprintf("Container '%s' has image with remote '%s'", [container.name, remote])
}
