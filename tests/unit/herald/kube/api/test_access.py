import os
from pathlib import Path

import yaml

from herald.kube.api.access import InCluster, KubeconfigFile, fingerprint


def test_a_kubeconfig_depends_on_every_file_that_it_names(tmp_path: Path) -> None:
    config = {
        "clusters": [{"name": "c", "cluster": {"certificate-authority": "pki/ca.crt", "server": "https://x"}}],
        "users": [
            {"name": "u", "user": {"tokenFile": "/run/token", "client-key": "key"}},
            {"name": "v", "user": {"token": "t"}},
        ],
    }
    path = tmp_path / "config"
    path.write_text(yaml.safe_dump(config))
    assert set(KubeconfigFile(path=path).files()) == {path, tmp_path / "pki/ca.crt", Path("/run/token"), tmp_path / "key"}


def test_a_service_account_depends_on_its_token_and_ca(tmp_path: Path) -> None:
    assert InCluster(directory=tmp_path).files() == (tmp_path / "token", tmp_path / "ca.crt")


def test_a_fingerprint_changes_when_the_volume_behind_a_link_is_swapped(tmp_path: Path) -> None:
    """As kubelet does it: token -> ..data/token, ..data -> a directory of its own for each state."""
    for state in ("one", "two"):
        (tmp_path / state).mkdir()
        (tmp_path / state / "token").write_text("same")
    (tmp_path / "..data").symlink_to("one")
    (tmp_path / "token").symlink_to("..data/token")
    before = fingerprint((tmp_path / "token",))
    assert fingerprint((tmp_path / "token",)) == before
    (tmp_path / "new").symlink_to("two")
    (tmp_path / "new").replace(tmp_path / "..data")
    assert fingerprint((tmp_path / "token",)) != before


def test_a_fingerprint_changes_when_a_file_is_written_in_place(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("one")
    os.utime(token, ns=(0, 0))
    before = fingerprint((token,))
    token.write_text("two")
    assert fingerprint((token,)) != before


def test_a_fingerprint_changes_when_a_file_goes_or_comes(tmp_path: Path) -> None:
    token = tmp_path / "token"
    missing = fingerprint((token,))
    token.write_text("one")
    assert fingerprint((token,)) != missing
