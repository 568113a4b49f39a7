"""The policy engine: compile once, evaluate messages, explain; pure."""
