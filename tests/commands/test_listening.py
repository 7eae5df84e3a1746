"""The socket of a service and the address that is printed of it."""

from __future__ import annotations

import socket

import pytest

from search.commands.listening import address, listen
from search.errors import ConfigError


def test_the_address_is_one_that_a_browser_takes() -> None:
    """An IPv6 one has brackets around it."""
    for host, begin in (("127.0.0.1", "http://127.0.0.1:"), ("::1", "http://[::1]:")):
        if host == "::1" and not socket.has_ipv6:
            pytest.skip("this machine has no IPv6")
        try:
            with listen(host, 0) as listening:
                assert address(listening) == f"{begin}{listening.getsockname()[1]}"
        except ConfigError:
            if host == "::1":
                pytest.skip("this machine has no IPv6 address of its own")
            raise
