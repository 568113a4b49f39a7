"""What the answers of Central mean to a user: summaries of policies and vulnerabilities. Pure."""
