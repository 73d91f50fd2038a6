"""Aggregates are unreachable on the node as long as anybody may hear of them, if the kernel lets us."""

import errno
import logging
from ipaddress import ip_network

import pytest
from pyroute2.netlink.exceptions import NetlinkError

from bgp_config.names import Prefix
from speaker.netlink import Netlink
from speaker.unreachable import UnreachableRoutes

A, B = ip_network("198.51.100.0/24"), ip_network("2001:db8::/64")


class Kernel(Netlink):
    """Its unreachable routes with our mark; it refuses changes with `error`."""

    def __init__(self, *routes: Prefix, error: int | None = None) -> None:
        self.routes, self.error = set(routes), error

    async def unreachable(self) -> set[Prefix]:
        return set(self.routes)

    async def add_unreachable(self, prefix: Prefix) -> None:
        self._refuse()
        self.routes.add(prefix)

    async def remove_unreachable(self, prefix: Prefix) -> None:
        self._refuse()
        self.routes.remove(prefix)

    def _refuse(self) -> None:
        if self.error:
            raise NetlinkError(self.error)


async def test_a_route_is_there_before_the_announcement_and_until_nobody_hears_it() -> None:
    kernel = Kernel()
    routes = UnreachableRoutes(kernel)
    await routes.add([A, B])
    assert kernel.routes == {A, B}
    await routes.remove([A], lambda prefix: prefix == B)
    assert kernel.routes == {A, B}
    await routes.remove([A], lambda _: False)
    assert kernel.routes == {A}


async def test_what_an_earlier_run_left_is_taken_over() -> None:
    kernel = Kernel(A, B)
    routes = UnreachableRoutes(kernel)
    await routes.start()
    await routes.add([A])
    await routes.remove([A], lambda _: False)
    assert kernel.routes == {A}


@pytest.mark.parametrize("error", [errno.EPERM, errno.ESRCH])
async def test_without_the_right_to_it_is_said_once_and_life_goes_on(error: int, caplog: pytest.LogCaptureFixture) -> None:
    routes = UnreachableRoutes(Kernel(B, error=error))
    await routes.start()
    for _ in range(2):
        await routes.add([A])
        await routes.remove([A], lambda _: False)
    levels = [record.levelno for record in caplog.records]
    assert levels == ([logging.ERROR, logging.WARNING] if error == errno.EPERM else [logging.ERROR])
    assert "CAP_NET_ADMIN" in str(caplog.records[0].__dict__)
