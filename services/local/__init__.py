"""Everything on one machine: supervisor of the process table, embedded PostgreSQL, simulated cluster."""
