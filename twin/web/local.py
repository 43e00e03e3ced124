"""Which requests come from this machine itself."""

from __future__ import annotations

from ipaddress import ip_address

from starlette.requests import Request

LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
FORWARDED = frozenset({"forwarded", "via", "x-forwarded-for", "x-real-ip"})
"""What proxies say of whom they ask for (RFC 7239; RFC 9110, 7.6.3)."""


def is_local(request: Request) -> bool:
    """Whether a program of this machine asks, for itself, for one of the machine's own names.

    A name of somebody else's that leads here (DNS rebinding) would make their page ours. Proxies are looked
    for first: where there is one, the client's address is what it says, which may be none.
    """
    return (
        FORWARDED.isdisjoint(request.headers)
        and request.client is not None
        and ip_address(request.client.host).is_loopback
        and request.url.hostname in LOOPBACK_NAMES
    )
