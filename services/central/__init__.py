"""Central: the API, the state and the decisions of the whole installation."""
