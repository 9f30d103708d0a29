"""``ip``: from which address, or from where in a network."""

import ipaddress
import re
from collections.abc import Sequence

from auditapp.access.viewer import Viewer
from auditapp.filters.expression import Node, any_of
from auditapp.filters.parameter import Narrowing, Reader, Saying
from auditapp.filters.phrases import foreign
from auditapp.filters.search_terms import Term
from auditapp.index.terms import address_beginning
from auditapp.values.strict_json import shorten

_HINT = "write an address (198.51.100.7, 2001:db8::7) or a network (198.51.100.0/24, 2001:db8::/32)"
_MAPPED = ipaddress.IPv6Network("::ffff:0:0/96")
_BITS_A_DIGIT = 4
_LINK = re.compile("%[^/]*")

Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Ip(Narrowing):
    """An IP address or a network, in any spelling."""

    name = "ip"
    words = "IP address"
    description = "Address or network that it came from, in any spelling."
    values = "address or network it came from: `198.51.100.7`, `198.51.100.0/24`, `2001:db8::/32`"
    example = "198.51.100.0/24"
    label = "IP address"
    hint = "198.51.100.7 or 198.51.100.0/24"
    needs_index = True
    strips = True

    def check(self, value: str, reader: Reader) -> None:
        """Refuse what is neither address nor network, and a network with bits of a host."""
        network_of(value)

    def term(self, value: str, viewer: Viewer) -> Node:
        """Return the beginnings that the network's addresses have, eight of them at most.

        An address is one term, its digits in hexadecimal; a network whose length is no whole number of
        digits is as many networks that are.
        """
        network = network_of(value)
        short = -network.prefixlen % _BITS_A_DIGIT
        parts = network.subnets(prefixlen_diff=short) if short else [network]
        return any_of(
            [
                Term(
                    (address_beginning(viewer.workspace.id, part[0], part.prefixlen // _BITS_A_DIGIT),),
                    is_prefix=part.prefixlen < part.max_prefixlen,
                )
                for part in parts
            ]
        )

    def circumstance(self, values: Sequence[str], say: Saying) -> str:
        """Say "from 198.51.100.7"."""
        return f"from {say.any_of(map(foreign, values))}"

    def left_out(self, values: Sequence[str], say: Saying) -> list[str]:
        """Say "what came from 198.51.100.7"."""
        return [f"what came from {say.any_of(map(foreign, values))}"]


def network_of(text: str) -> Network:
    """Return the network that a text means, of an address the one with nothing else in it.

    IPv4 that is mapped into IPv6 (``::ffff:198.51.100.7``) is IPv4 (RFC 4291, 2.5.5.2).

    :raise ValueError: with a hint, if it means none.
    """
    # Which of a machine's own links an address was seen on (RFC 4007) is no part of it.
    bare = _LINK.sub("", text.strip())
    try:
        network = ipaddress.ip_network(bare, strict=False)
        exact = ipaddress.ip_interface(bare)
    except ValueError:
        raise ValueError(f"{shorten(text)} is no address and no network; {_HINT}") from None
    plain = _unmapped(network)
    if exact.ip != network.network_address:
        raise ValueError(f"{shorten(text)} names a host in a network; write {plain}, or the address alone")
    return plain


def _unmapped(network: Network) -> Network:
    if isinstance(network, ipaddress.IPv6Network) and network.subnet_of(_MAPPED):
        address = network.network_address.ipv4_mapped
        return ipaddress.IPv4Network((address, network.prefixlen - _MAPPED.prefixlen))
    return network
