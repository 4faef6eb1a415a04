"""Taking a port on loopback."""

from __future__ import annotations

import socket


class PortInUse(Exception):
    """Another program listens on the port."""


def loopback(port: int) -> socket.socket:
    """A socket bound to 127.0.0.1:port, not yet listening: callers are refused until the server is ready.

    Raises PortInUse.
    """
    listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind(("127.0.0.1", port))
    except OSError as error:
        listener.close()
        raise PortInUse(f"port {port} is in use ({error.strerror})") from error
    return listener
