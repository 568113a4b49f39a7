"""Connections and listening ports of containers, read from /proc, and told to Sensor.

`sockets.py` reads the kernel's tables, `scrape.py` finds them and whose they are,
`known.py` says what of it is worth telling, `changes.py` what is new since the last
time, `stream.py` tells Sensor. It must not know pods or deployments.
"""
