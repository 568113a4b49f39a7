"""Node.js packages below node_modules."""
