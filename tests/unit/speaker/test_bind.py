"""VIPs on the node: only what we put there is taken off, and nothing that the kernel says or does not say ends anything."""

import asyncio
import errno
import logging
from ipaddress import ip_address

import pytest
from pyroute2.netlink.exceptions import NetlinkError

from bgp_config.names import IPAddress
from speaker.bind import LINGER_S, LOOK_S, RETRY_S, SLICE, Binder
from speaker.netlink import Netlink

A, B = ip_address("198.51.100.1"), ip_address("198.51.100.2")
MANY = [ip_address("198.18.0.0") + i for i in range(SLICE + 1)]


class Kernel(Netlink):
    """Addresses of a device, by whether they carry our mark. It refuses with `error`; when it `hangs` it does not answer.

    The device is made again whenever it is asked for and not there.
    """

    def __init__(self, *foreign: IPAddress) -> None:
        self.addresses = dict.fromkeys(foreign, False)
        self.error = 0
        self.hangs = False
        self.index = 1
        self.has_device = True

    def delete_device(self) -> None:
        self.addresses.clear()
        self.has_device = False

    async def device(self, wanted: str) -> int:
        assert wanted == "lo"
        self.index += not self.has_device
        self.has_device = True
        return self.index

    async def bound(self) -> dict[IPAddress, int]:
        return {address: self.index for address, is_ours in self.addresses.items() if is_ours}

    async def bind(self, vip: IPAddress, index: int) -> None:
        if not (self.has_device and index == self.index):
            raise NetlinkError(errno.ENODEV)
        if self.error or vip in self.addresses:
            raise NetlinkError(self.error or errno.EEXIST)
        self.addresses[vip] = True
        if self.hangs:
            await asyncio.Event().wait()

    async def unbind(self, vip: IPAddress, index: int) -> None:
        assert index == self.index
        if self.error or vip not in self.addresses:
            raise NetlinkError(self.error or errno.EADDRNOTAVAIL)
        del self.addresses[vip]


async def started(kernel: Kernel) -> Binder:
    binder = Binder(kernel, "lo")
    await binder.start(0)
    return binder


async def take_off(binder: Binder, now: float) -> None:
    await binder.unbind(binder.due(now + LINGER_S))


async def test_an_address_that_is_there_already_is_announced_and_never_taken_off() -> None:
    kernel = Kernel(A)
    binder = await started(kernel)
    binder.want([A, B], 0)
    await binder.bind(0)
    assert not binder.waits(A)
    binder.drop([A, B], 1)
    await take_off(binder, 1)
    await binder.unbind_all()
    assert kernel.addresses == {A: False}


async def test_an_address_that_somebody_flushed_is_gone(caplog: pytest.LogCaptureFixture) -> None:
    kernel = Kernel()
    binder = await started(kernel)
    binder.want([A], 0)
    await binder.bind(0)
    kernel.addresses.clear()
    binder.drop([A], 1)
    await take_off(binder, 1)
    assert not binder.bound
    assert not caplog.records


async def test_what_somebody_took_off_is_bound_again_and_what_we_took_off_is_not(caplog: pytest.LogCaptureFixture) -> None:
    kernel = Kernel()
    binder = await started(kernel)
    binder.want([A, B], 0)
    await binder.bind(0)
    binder.drop([B], 1)
    await take_off(binder, 1)
    binder.doubt(B)
    await binder.bind(2)
    assert kernel.addresses == {A: True}
    assert not caplog.records
    kernel.addresses.clear()
    binder.doubt(A)
    await binder.bind(3)
    assert kernel.addresses == {A: True}
    assert [record.levelno for record in caplog.records] == [logging.WARNING]
    kernel.addresses.clear()
    binder.doubt(None)
    await binder.bind(3 + LOOK_S / 2)
    assert kernel.addresses == {}, "not yet: looking costs"
    await binder.bind(3 + LOOK_S)
    assert kernel.addresses == {A: True}


async def test_a_device_that_is_deleted_is_made_again_with_its_vips_and_its_new_index_is_told() -> None:
    kernel, indexes = Kernel(), list[int]()
    binder = Binder(kernel, "lo")
    binder.on_device = indexes.append
    await binder.start(0)
    binder.want([A, B], 0)
    await binder.bind(0)
    kernel.delete_device()
    binder.doubt(A)
    await binder.bind(1)
    assert kernel.addresses == {A: True, B: True}
    assert indexes == [1, 2]


async def test_a_device_that_was_deleted_while_it_was_empty_is_made_again_for_the_next_vip() -> None:
    kernel = Kernel()
    binder = await started(kernel)
    kernel.delete_device()
    binder.want([A], 0)
    await binder.bind(0)
    assert kernel.addresses == {A: True}
    assert not binder.refused


async def test_a_vip_that_leaves_and_is_flushed_meanwhile_is_gone() -> None:
    kernel = Kernel()
    binder = await started(kernel)
    binder.want([A, B], 0)
    await binder.bind(0)
    binder.drop([A], 1)
    kernel.addresses.clear()
    binder.doubt(B)
    await binder.bind(1)
    await take_off(binder, 1)
    assert kernel.addresses == {B: True}
    assert binder.bound == {B}


async def test_a_doubt_that_was_none_changes_nothing() -> None:
    """Bound again before the notification of its end was read."""
    kernel = Kernel()
    binder = await started(kernel)
    binder.want([A], 0)
    await binder.bind(0)
    binder.doubt(A)
    await binder.bind(1)
    binder.drop([A], 2)
    await take_off(binder, 2)
    assert kernel.addresses == {}


async def test_what_the_kernel_refuses_waits_and_is_said_once_and_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    kernel = Kernel()
    binder = await started(kernel)
    kernel.error = errno.EPERM
    binder.want([A], 0)
    for turn in range(3):
        await binder.bind(turn * RETRY_S)
        assert binder.waits(A)
        assert not binder.is_busy(turn * RETRY_S)
    assert [record.levelno for record in caplog.records] == [logging.ERROR]
    assert binder.refused == {A}
    kernel.error = 0
    await binder.bind(3 * RETRY_S)
    assert not binder.waits(A)
    assert not binder.refused
    assert A in binder.bound


async def test_one_call_binds_a_slice() -> None:
    binder = await started(Kernel())
    binder.want(MANY, 0)
    await binder.bind(0)
    assert len(binder.bound) == SLICE
    assert binder.is_busy(0)
    await binder.bind(0)
    assert not binder.is_busy(0)
    await binder.unbind_all()
    assert not binder.bound


async def test_a_kernel_that_does_not_answer_is_asked_again_later_and_what_it_did_meanwhile_is_ours() -> None:
    kernel = Kernel()
    binder = await started(kernel)
    kernel.hangs = True
    binder.want([A, B], 0)
    await binder.bind(0)
    assert binder.waits(A)
    assert not binder.is_busy(0)
    kernel.hangs = False
    binder.drop([A], 1)
    await binder.bind(RETRY_S)
    assert not binder.waits(B)
    await take_off(binder, RETRY_S)
    assert kernel.addresses == {B: True}
