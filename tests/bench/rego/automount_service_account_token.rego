# Pod Service Account Token Automatically Mounted
package pyrox.automount_service_account_token

violations contains message if {
	input.deployment.automountServiceAccountToken
	lower(input.deployment.serviceAccount) == "default"
	lower(input.deployment.namespace) != "kube-system"
	some message in {
		"Deployment mounts the service account tokens.",
		sprintf("Namespace has name '%s'", [input.deployment.namespace]),
		sprintf("Service Account is set to '%s'", [input.deployment.serviceAccount]),
	}
}
