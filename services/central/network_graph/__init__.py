"""Network flows of secured clusters: what Sensors report, external address ranges, the graph.

`updates.py` takes what Sensors send, `flows.py` keeps it, `view.py` makes the graph that
`service.py` answers with; `entities.py` holds address ranges that users name. The graph
itself (`addresses.py`, `aggregate.py`, `graph.py`, `masking.py`) is pure. It must not
know how flows are seen, nor evaluate policies on them.
"""
