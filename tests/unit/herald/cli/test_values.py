"""What is wrong with a flag's value is said in words, whatever the flag."""

import pytest

from herald.cli.main import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["speaker", "--data-path", "cilium"], "neither kube-proxy nor none nor a URL: 'cilium'"),
        (["speaker", "--listen", "everywhere"], "not ADDR:PORT: 'everywhere'"),
        (["speaker", "--max-stale", "-4"], "'-4' is no number of seconds, 0 or more"),
        (["speaker", "--sync-timeout", "nan"], "'nan' is no number of seconds, 0 or more"),
        (["controller", "--lease-duration", "1m"], "'1m' is no number of seconds, 0 or more"),
        (["drain", "node1", "--wait", "--timeout", "soon"], "'soon' is no number of seconds, 0 or more"),
        (["status", "--node", "--client", "192.0.2"], "'192.0.2' does not appear to be an IPv4 or IPv6 address"),
        (["lint", "--format", "xml", "x"], "'xml' is none of text, json, github"),
        (["speaker", "--manifests", "x", "--secrets", "./x"], "--secrets is the folder of --manifests"),
        (
            ["controller", "--manifests", "x", "--state", "y", "--secrets", "z/../x"],
            "--secrets is the folder of --manifests",
        ),
        (["lab", "up", "--topology", "star"], "'star' is none of rack, two-racks"),
        (["lab", "chaos", "--minutes", "0"], "'0' is no number of minutes, more than 0"),
    ],
)
def test_a_value_that_is_wrong_is_refused_with_the_reason(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(words)
    assert ended.value.code == 2
    assert said in capsys.readouterr().err
