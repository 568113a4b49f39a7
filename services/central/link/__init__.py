"""Connections of Sensors: handshake, events into the database, commands back.

One bidirectional stream per secured cluster. `service.py` opens it, `greeting.py` says
what Central sends first, `inbox.py` applies what arrives, `connections.py` is how other
domains reach a Sensor. `fragments/` holds one module per kind of message.
"""
