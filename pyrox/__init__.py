"""PyRox's library: all processes may import it, it imports no process."""
