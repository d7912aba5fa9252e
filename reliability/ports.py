"""Ports for servers that are started to be broken or tested."""

import socket


def free_port() -> int:
    """Gives a port of 127.0.0.1 that nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
