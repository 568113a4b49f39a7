"""PostgreSQL: pool, numbered migrations, advisory locks. The only importer of asyncpg."""
