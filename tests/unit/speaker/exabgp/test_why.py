import pytest

from speaker.exabgp.why import error_of, explain, explain_connect


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("notification received (6,4)", "NOTIFICATION received: Cease / Administrative Reset"),
        ("notification sent (6,7)", "NOTIFICATION sent: Cease / Connection Collision Resolution"),
        ("notification sent (4,0)", "NOTIFICATION sent: Hold Timer Expired"),
        ("notification received (2,2)", "NOTIFICATION received: OPEN Message Error / Bad Peer AS"),
        ("notification received (9,3)", "NOTIFICATION received: error 9 / 3"),
        ("closing connection", "the TCP connection was closed"),
        ("process problem", "process problem"),
    ],
)
def test_reasons_are_said_in_the_rfcs_words(reason: str, words: str) -> None:
    assert explain(reason) == words


@pytest.mark.parametrize(
    ("subcode", "hint"),
    [
        (1, "Maximum Number of Prefixes Reached: it takes fewer than we have: set maxPrefixes"),
        (5, "Connection Rejected: it does not want a session from this address"),
        (7, "Connection Collision Resolution: it has a session with this address already: somebody else speaks BGP from it"),
    ],
)
def test_what_needs_an_operator_says_what_to_look_for(subcode: int, hint: str) -> None:
    assert hint in explain(f"notification received (6,{subcode})")


def test_silence_hints_at_a_password_since_routers_drop_a_wrong_signature_without_a_word() -> None:
    assert "another one" in explain_connect("Connection timed out", has_password=True)
    assert "wants a TCP MD5 password" in explain_connect("Connection timed out", has_password=False)
    assert explain_connect("Connection refused", has_password=True) == "cannot connect: Connection refused"


def test_the_codes_of_a_notification_are_kept_and_other_ends_have_none() -> None:
    assert error_of("notification received (6,1)") == (6, 1)
    assert error_of("closing connection") is None
