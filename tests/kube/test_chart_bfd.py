"""How the chart runs BFD: apart from the speaker, with what real-time scheduling needs and no more."""

import argparse
import json
from collections.abc import Mapping
from typing import Any

import pytest

from herald.cli import bfd
from herald.lab.kube.api_server import ApiServer
from herald.lab.kube.helm import install, render
from herald.lab.kube.kubectl import kubectl
from herald.lab.manifests import Manifest

pytestmark = [pytest.mark.lab, pytest.mark.timeout(120)]


async def daemon_sets(**values: object) -> dict[str, Manifest]:
    objects = await render("herald", {"bfd": {"enabled": True, **values}})
    return {each["metadata"]["name"]: each for each in objects if each["kind"] == "DaemonSet"}


def pod(daemon_set: Manifest) -> Manifest:
    found: Manifest = daemon_set["spec"]["template"]["spec"]
    return found


async def test_it_is_there_on_request_only() -> None:
    assert "herald-bfd" not in {each["metadata"]["name"] for each in await render("herald")}


@pytest.mark.parametrize("values", [{}, {"realTime": False}])
async def test_the_api_server_takes_it_and_knows_every_field(new_api_server: ApiServer, values: Mapping[str, Any]) -> None:
    await install(new_api_server.client, {"bfd": {"enabled": True, **values}})
    stdin = json.dumps((await daemon_sets(**values))["herald-bfd"])
    apply = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "--field-manager=lab", "-f", "-")
    await kubectl(new_api_server.admin, *apply, stdin=stdin)


async def test_a_roll_out_of_speakers_leaves_it_running() -> None:
    both = await daemon_sets()
    assert both["herald-bfd"]["spec"]["updateStrategy"] == {"type": "OnDelete"}
    labels = both["herald-bfd"]["spec"]["selector"]["matchLabels"]
    assert labels != both["herald-speaker"]["spec"]["selector"]["matchLabels"]


async def test_it_is_wherever_a_speaker_is_and_meets_it_in_its_directory() -> None:
    both = await daemon_sets()
    ours, speakers = pod(both["herald-bfd"]), pod(both["herald-speaker"])
    for field in ("hostNetwork", "tolerations", "nodeSelector", "priorityClassName", "volumes"):
        assert ours[field] == speakers[field], field
    assert ours["initContainers"][0]["command"] == speakers["initContainers"][0]["command"]


async def test_for_real_time_it_is_root_with_four_capabilities_and_without_nobody_with_none() -> None:
    (program,) = pod((await daemon_sets())["herald-bfd"])["containers"]
    wanted = {"drop": ["ALL"], "add": ["SYS_NICE", "IPC_LOCK", "CHOWN", "DAC_OVERRIDE"]}
    assert (program["securityContext"]["runAsUser"], program["securityContext"]["capabilities"]) == (0, wanted)
    (program,) = pod((await daemon_sets(realTime=False))["herald-bfd"])["containers"]
    assert program["securityContext"]["capabilities"] == {"drop": ["ALL"]}
    assert program["securityContext"]["runAsNonRoot"]


async def test_it_knows_the_flags_that_it_is_given_and_has_no_token() -> None:
    ours = pod((await daemon_sets())["herald-bfd"])
    parser = argparse.ArgumentParser(exit_on_error=False)
    bfd.add_parser(parser.add_subparsers())
    parser.parse_args(ours["containers"][0]["args"])
    assert not ours["automountServiceAccountToken"]
