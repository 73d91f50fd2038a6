"""Secrets come from a folder that only its owner may touch, and are told to nobody."""

from pathlib import Path

import pytest

from herald.kube.directory import DirectorySource
from herald.kube.objects import Kind, ObjectKey, Secret
from tests.contract.reader import Reader
from tests.unit.herald.kube.directory.living import ALL, QUICK, SETTLED_S, eventually, living, secret, service, synced


@pytest.fixture
def secrets(tmp_path: Path) -> Path:
    secrets = tmp_path / "secrets"
    secrets.mkdir(mode=0o700)
    return secrets


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    manifests = tmp_path / "manifests"
    manifests.mkdir()
    return manifests


def put(path: Path, password: str, mode: int = 0o600) -> None:
    temporary = path.with_name(f".{path.name}")
    temporary.touch(mode=0o600)
    temporary.write_text(secret("bgp", password))
    temporary.chmod(mode)
    temporary.replace(path)


def password_of(reader: Reader) -> str | None:
    found = reader.objects.get((Kind.SECRET, ObjectKey("default", "bgp")))
    return found.string_data["password"] if isinstance(found, Secret) else None


def move_away(folder: Path) -> None:
    folder.rename(folder.with_name("elsewhere"))


async def test_a_secret_is_read_and_followed(manifests: Path, secrets: Path) -> None:
    put(secrets / "bgp.yaml", "one")
    async with synced(DirectorySource(manifests, ALL, secrets)) as reader:
        await reader.until(lambda r: password_of(r) == "one")
        put(secrets / "bgp.yaml", "two")
        await reader.until(lambda r: password_of(r) == "two")


@pytest.mark.parametrize("mode", [0o604, 0o640, 0o620, 0o602, 0o666])
async def test_a_file_that_others_may_touch_is_refused_until_it_is_closed_to_them(
    manifests: Path, secrets: Path, mode: int
) -> None:
    put(secrets / "bgp.yaml", "one", mode)
    source = DirectorySource(manifests, ALL, secrets)
    async with synced(source) as reader:
        await reader.until(lambda r: Kind.SECRET in r.synced)
        assert password_of(reader) is None
        (problem,) = source.problems
        assert problem.path == secrets / "bgp.yaml"
        assert f"{mode:04o}" in problem.message
        assert "0600" in problem.hint
        (secrets / "bgp.yaml").chmod(0o600)
        await reader.until(lambda r: password_of(r) == "one", within_s=1.0)
        assert not source.problems


@pytest.mark.parametrize("exposed", ["", "sub"])
async def test_a_folder_that_others_may_enter_is_refused_until_it_is_closed_to_them(
    manifests: Path, secrets: Path, exposed: str
) -> None:
    (secrets / "sub").mkdir(mode=0o700)
    put(secrets / "sub" / "bgp.yaml", "one")
    (secrets / exposed).chmod(0o755)
    source = DirectorySource(manifests, ALL, secrets)
    async with synced(source) as reader:
        assert password_of(reader) is None
        (problem,) = source.problems
        assert str(secrets / exposed) in problem.message
        (secrets / exposed).chmod(0o700)
        await reader.until(lambda r: password_of(r) == "one", within_s=1.0)


async def test_a_secret_that_is_opened_to_others_keeps_its_last_good_form(manifests: Path, secrets: Path) -> None:
    put(secrets / "bgp.yaml", "one")
    source = DirectorySource(manifests, ALL, secrets, pace=QUICK)
    async with synced(source) as reader:
        await reader.until(lambda r: password_of(r) == "one")
        put(secrets / "bgp.yaml", "two", 0o644)
        await eventually(lambda: source.problems)
        await reader.read_for(SETTLED_S)
        assert password_of(reader) == "one"


async def test_a_secret_among_the_manifests_is_refused_and_its_content_told_nowhere(
    manifests: Path, secrets: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    (manifests / "bgp.yaml").write_text(secret("bgp", "hunter2") + "---\n" + service("web"))
    source = DirectorySource(manifests, ALL, secrets)
    async with synced(source) as reader:
        assert reader.has(Kind.SERVICE, "web")
        assert password_of(reader) is None
        (problem,) = source.problems
        assert "default/bgp" in problem.message
        assert "hunter2" not in caplog.text + str(source.problems)


async def test_a_lost_folder_of_secrets_makes_only_secrets_stale(manifests: Path, secrets: Path) -> None:
    put(secrets / "bgp.yaml", "one")
    async with synced(DirectorySource(manifests, ALL, secrets)) as reader:
        await reader.until(lambda r: Kind.SECRET in r.synced)
        move_away(secrets)
        await reader.until(lambda r: r.stale == {Kind.SECRET})
        assert password_of(reader) == "one"


async def test_a_folder_of_secrets_within_the_manifests_is_not_read_as_manifests(tmp_path: Path, secrets: Path) -> None:
    put(secrets / "bgp.yaml", "one")
    source = DirectorySource(tmp_path, ALL, secrets)
    async with living(source) as reader:
        await reader.until(lambda r: password_of(r) == "one")
        put(secrets / "bgp.yaml", "two")
        await reader.until(lambda r: password_of(r) == "two")
        assert not source.problems
