"""The committed CustomResourceDefinitions, which people apply, are those that the models say."""

from pathlib import Path

import yaml

from bgp_config.crd.text import files

CRDS = Path(__file__).parents[4] / "deploy" / "crds"


def test_the_committed_files_are_what_the_emitter_writes() -> None:
    committed = {path.name: path.read_text() for path in CRDS.glob("herald-lb.io_*.yaml")}
    assert committed == dict(files()), "run: herald crds --output deploy/crds"


def test_all_of_them_fit_into_the_annotation_of_client_side_apply() -> None:
    assert sum(map(len, files().values())) < 200_000


def test_nothing_is_written_as_an_alias() -> None:
    assert not any("&id" in text for text in files().values())


def test_each_file_is_one_definition_of_the_name_of_its_file() -> None:
    for name, text in files().items():
        definition = yaml.safe_load(text)
        plural, _, group = definition["metadata"]["name"].partition(".")
        assert name == f"{group}_{plural}.yaml"
