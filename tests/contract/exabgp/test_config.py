"""What we write is what the pinned ExaBGP reads."""

import os
import subprocess
import sys
from dataclasses import replace
from ipaddress import IPv4Address, ip_address
from itertools import product
from pathlib import Path

import pytest

from bgp_config.names import ASN, Family
from speaker.exabgp import shim
from speaker.exabgp.config import environment, render
from speaker.exabgp.engine import default_program
from speaker.session import SessionSpec

V4 = SessionSpec(
    peer_address=ip_address("10.1.1.0"),
    peer_port=179,
    peer_asn=ASN(4_200_000_001),
    local_address=ip_address("10.1.1.1"),
    local_asn=ASN(64512),
    router_id=IPv4Address("10.0.255.1"),
    hold_time_s=9,
    families=frozenset({Family.IPV4}),
)
V6 = replace(V4, peer_address=ip_address("fd00:1:1::"), local_address=ip_address("fd00:1:1::1"), families=frozenset(Family))


@pytest.mark.parametrize(
    ("spec", "port", "password", "restart_s"),
    list(product((V4, V6), (179, 1790), (None, b"a;b{c}#d\" ' \xff"), (None, 120))),
)
def test_exabgp_validates_every_configuration_that_is_written(
    tmp_path: Path, spec: SessionSpec, port: int, password: bytes | None, restart_s: int | None
) -> None:
    validate(tmp_path, replace(spec, peer_port=port, password=password, graceful_restart_s=restart_s))


@pytest.mark.parametrize(("ttl", "min_ttl"), [(1, None), (255, 255), (255, 2), (64, None)])
def test_exabgp_takes_every_ttl(tmp_path: Path, ttl: int, min_ttl: int | None) -> None:
    validate(tmp_path, replace(V4, ttl=ttl, min_ttl=min_ttl))
    validate(tmp_path, replace(V4, families=frozenset(Family)))


def validate(tmp_path: Path, spec: SessionSpec) -> None:
    helper = (Path(sys.executable), Path("-I"), Path("-S"), Path(shim.__file__), tmp_path / "api.sock")
    config = tmp_path / "exabgp.conf"
    config.write_text(render(spec, helper))
    variables = environment(spec, user="root", path=os.defpath)
    command = [sys.executable, str(default_program()), "validate", str(config)]
    done = subprocess.run(command, capture_output=True, text=True, env=dict(variables), check=False)
    assert done.returncode == 0, done.stdout + done.stderr
