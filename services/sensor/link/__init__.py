"""The one stream to Central: handshake, dedupe, buffers, reconnect."""
