"""A Git checkout of another branch moves only what differs in meaning."""

import shutil
import subprocess
from pathlib import Path

from herald.kube.directory import DirectorySource
from herald.kube.objects import Kind
from herald.kube.source import Gone, Upsert
from tests.unit.herald.kube.directory.living import ALL, class_is, service, synced

FILES = 300


def git(repository: Path, *arguments: str) -> None:
    identity = ["-c", "user.name=test", "-c", "user.email=test@example.com", "-c", "init.defaultBranch=main"]
    subprocess.run(["git", *identity, *arguments], cwd=repository, check=True, capture_output=True)


def commit(repository: Path, texts: dict[str, str], branch: str) -> None:
    git(repository, "checkout", "-q", "-b", branch)
    for path in repository.glob("*"):
        if path.name != ".git":
            shutil.rmtree(path)
    for name, text in texts.items():
        path = repository / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    git(repository, "add", ".")
    git(repository, "commit", "-q", "-m", branch)


async def test_a_checkout_of_300_files_reports_only_what_differs_in_meaning(tmp_path: Path) -> None:
    git(tmp_path, "init", "-q")
    one = {f"app-{number % 10}/web-{number}.yaml": service(f"web-{number}") for number in range(FILES)}
    two = {name: f"# every file differs in its text\n{text}" for name, text in one.items()}
    two["app-3/web-3.yaml"] = service("web-3", "changed")
    two["app-4/web-4.yaml"] = service("web-4", "changed")
    del two["app-5/web-5.yaml"]
    two["moved/web-6.yaml"] = two.pop("app-6/web-6.yaml")
    two["new/web.yaml"] = service("new")
    commit(tmp_path, two, "two")
    commit(tmp_path, one, "one")
    source = DirectorySource(tmp_path, ALL)
    async with synced(source) as reader:
        assert len(reader.objects) == FILES
        reader.words.clear()
        git(tmp_path, "checkout", "-q", "two")
        await reader.until(lambda r: not r.has(Kind.SERVICE, "web-5"))
        said = [(type(word), word.key.name) for word in reader.words if isinstance(word, Upsert | Gone)]
        assert sorted(said, key=str) == sorted(
            [(Upsert, "web-3"), (Upsert, "web-4"), (Upsert, "new"), (Gone, "web-5")], key=str
        )
        reader.words.clear()
        for branch in ("one", "two", "one", "two"):
            git(tmp_path, "checkout", "-q", branch)
        await reader.read_for(2.3)
        assert class_is("web-3", "changed")(reader)
        assert {key.name for _, key in reader.objects} == {f"web-{n}" for n in range(FILES) if n != 5} | {"new"}
        assert {word.key.name for word in reader.words if isinstance(word, Upsert | Gone)} <= {
            "web-3",
            "web-4",
            "web-5",
            "new",
        }
        assert not source.problems
