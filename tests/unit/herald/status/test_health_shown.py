"""What a node's speaker found of a Service's endpoints is part of the Service's story."""

from herald.status.answer import Answer, NodeAnswer, ServiceFact
from herald.status.explain import story
from herald.status.text import plain
from speaker.health.account import HealthFact
from tests.unit.herald.status.build import NOW


def test_each_endpoint_is_shown_with_what_was_found_and_its_last_probe() -> None:
    health = (
        HealthFact(check="web", address="10.244.1.1", port=8080, state="well", last="passed"),
        HealthFact(check="web", address="10.244.1.2", port=8080, state="sick", last="timedOut"),
    )
    fact = ServiceFact(namespace="default", name="web", health=health)
    told = story(Answer(source="the speaker", nodes=(NodeAnswer(node="node1"),), services=(fact,)), NOW, plain)
    lines = told.partition("HEALTH CHECKS")[2].splitlines()[1:4]
    assert [line.split() for line in lines] == [
        ["CHECK", "ENDPOINT", "PORT", "FOUND", "LAST", "PROBE"],
        ["web", "10.244.1.1", "8080", "well", "passed"],
        ["web", "10.244.1.2", "8080", "sick", "timedOut"],
    ]


def test_nothing_is_said_where_nothing_is_checked() -> None:
    fact = ServiceFact(namespace="default", name="web")
    assert "HEALTH" not in story(Answer(source="the speaker", services=(fact,)), NOW, plain)
