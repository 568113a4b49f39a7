"""Connections that Collectors see, as flows between deployments and the outside.

`service.py` takes them from Collectors into `connections.py`; every tick `flows.py` asks
`places.py` and `ranges.py` who the ends are and tells Central what changed. It must not
know Kubernetes objects, nor how connections are seen.
"""
