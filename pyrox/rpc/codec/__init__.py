"""Messages as protobuf-JSON, rendered and read exactly as upstream's gateway does.

`gateway.py` and the custom routes of Central use `Encoder` and `Decoder`; each process
makes one of each, since they keep the functions that they compiled per descriptor.
They must not know HTTP: a request body that cannot be read raises `Invalid` with
upstream's text.
"""

from pyrox.rpc.codec.decode import Decoder
from pyrox.rpc.codec.encode import Encoder

__all__ = ["Decoder", "Encoder"]
