"""Components of Kubernetes itself, as platform vulnerabilities name them."""
