"""Serving and calling: one servicer per service behind gRPC, REST and gRPC-Web alike.

`call.py`, `scope.py`, `authz.py` and `methods.py` are what servicers see; `server.py`,
`gateway.py` and `grpcweb.py` are the three adapters that produce a `Call`; `front.py`
is the one TLS port in front of them.
"""
