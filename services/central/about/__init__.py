"""What Central says about itself: version, health, features, certificates, capabilities."""
