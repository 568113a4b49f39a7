"""Central's schema: numbered SQL files, applied in order by `pyrox.pg.migrate`, forward only."""
