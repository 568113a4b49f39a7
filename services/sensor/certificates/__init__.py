"""The certificates of this cluster's services: got from Central, kept as secrets, renewed in time."""
