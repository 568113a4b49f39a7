"""Network policies as Kubernetes has them."""
