"""What the admission controller is told."""
