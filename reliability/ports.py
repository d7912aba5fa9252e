"""Ports for servers in campaigns and tests."""

import socket


def free_port() -> int:
    """Returns a port of 127.0.0.1 that no program listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
