"""HealthCheck: what is probed, how, and what a failure means."""

import pytest

from bgp_config.config import FailWhen, HealthCheck, OnFailure, Protocol
from bgp_config.kind import ConfigKind
from bgp_config.names import HealthCheckName
from bgp_config.parse import Accepted, Refused, parse


def meaning(**spec: object) -> HealthCheck:
    parsed = parse(ConfigKind.HEALTH_CHECK, "h", spec)
    assert isinstance(parsed, Accepted), parsed
    assert isinstance(parsed.meaning, HealthCheck)
    return parsed.meaning


def problems(**spec: object) -> list[str]:
    parsed = parse(ConfigKind.HEALTH_CHECK, "h", spec)
    assert isinstance(parsed, Refused), parsed
    return [str(problem) for problem in parsed.problems]


def test_by_default_a_node_is_sick_when_all_its_endpoints_are_and_then_least_preferred() -> None:
    assert meaning(protocol="HTTP") == HealthCheck(
        name=HealthCheckName("h"),
        protocol=Protocol.HTTP,
        path="/",
        statuses=((200, 399),),
        interval_s=2.0,
        timeout_s=1.0,
        rise=2,
        fall=3,
        fail_when=FailWhen.ALL,
        on_failure=OnFailure.DEPREFER,
    )


def test_a_short_interval_shortens_the_default_timeout() -> None:
    assert meaning(protocol="TCP", intervalMilliseconds=200).timeout_s == 0.2


def test_statuses_are_codes_and_ranges() -> None:
    assert meaning(protocol="HTTPS", expectedStatuses=["204", "200-202"]).statuses == ((200, 202), (204, 204))


@pytest.mark.parametrize("text", ["299-200", "99", "600", "2xx", "200-", "200-299-300", ""])
def test_what_is_no_range_of_status_codes_is_refused(text: str) -> None:
    assert problems(protocol="HTTP", expectedStatuses=[text])[0].startswith("spec.expectedStatuses[0]")


@pytest.mark.parametrize("path", ["healthz", "/a b", "/\r\nHost: x", ""])
def test_a_path_cannot_say_more_than_a_path(path: str) -> None:
    assert problems(protocol="HTTP", path=path)[0].startswith("spec.path")


@pytest.mark.parametrize("host", ["-a", "a b", "a\r\nx: y", "", "a..b", "a.-b", "a" * 64])
def test_a_host_cannot_say_more_than_a_host(host: str) -> None:
    assert problems(protocol="HTTP", host=host)[0].startswith("spec.host")


@pytest.mark.parametrize("field", [{"path": "/"}, {"host": "a"}, {"expectedStatuses": ["200"]}])
def test_tcp_takes_nothing_of_http(field: dict[str, object]) -> None:
    assert "protocol HTTP or HTTPS" in problems(protocol="TCP", **field)[0]


def test_a_timeout_ends_before_the_next_probe() -> None:
    assert "Use at most 2000" in problems(protocol="TCP", timeoutMilliseconds=2001)[0]
    assert meaning(protocol="TCP", timeoutMilliseconds=2000).timeout_s == 2.0
