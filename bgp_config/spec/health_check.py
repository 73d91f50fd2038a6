"""HealthCheck: how speakers probe the endpoints of their own node."""

from typing import Annotated, ClassVar

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from bgp_config.config import FailWhen, HealthCheck, OnFailure, Protocol
from bgp_config.names import HealthCheckName
from bgp_config.spec.base import Distinct, ObjectSpec, refusal
from bgp_config.spec.cel import Cel, IsSet
from bgp_config.spec.selector import SelectorList, selectors_meaning

PATH = r"^/[!-~]*$"
_LABEL = "[A-Za-z0-9]([-A-Za-z0-9]{0,61}[A-Za-z0-9])?"
HOST = rf"^{_LABEL}(\.{_LABEL})*$"
STATUSES = r"^[1-5][0-9][0-9](-[1-5][0-9][0-9])?$"
_DEFAULT_INTERVAL_MS, _DEFAULT_TIMEOUT_MS = 2000, 1000
_HTTP_ONLY = ("host", "path", "expectedStatuses")


def _ends(text: str) -> tuple[int, int]:
    first, _, last = text.partition("-")
    return int(first), int(last or first)


def _in_order(text: str) -> str:
    first, last = _ends(text)
    if first > last:
        raise refusal(f'"{text}" ends before it begins', f"Swap them: {last}-{first}.")
    return text


_StatusesText = Annotated[
    str,
    Field(max_length=7, pattern=STATUSES),
    AfterValidator(_in_order),
    Distinct,
    Cel(
        f"!self.matches('{STATUSES}') || self.size() == 3 || int(self.split('-')[0]) <= int(self.split('-')[1])",
        "must not end before it begins",
    ),
]


class HealthCheckSpec(ObjectSpec):
    rules: ClassVar[tuple[Cel, ...]] = (
        Cel(
            f"self.protocol != 'TCP' || !({' || '.join(f'has(self.{field})' for field in _HTTP_ONLY)})",
            f"TCP takes none of {', '.join(_HTTP_ONLY)}",
        ),
        Cel(
            f"!has(self.timeoutMilliseconds) || self.timeoutMilliseconds"
            f" <= (has(self.intervalMilliseconds) ? self.intervalMilliseconds : {_DEFAULT_INTERVAL_MS})",
            "timeoutMilliseconds must be at most intervalMilliseconds",
        ),
    )

    protocol: Annotated[Protocol, Field(strict=False)] = Field(
        description="TCP: a connection is accepted; HTTP and HTTPS: a request is answered."
    )
    port: int | None = Field(
        None, ge=1, le=65535, description="The endpoints' port, 1 to 65535; the default is the first of their EndpointSlice."
    )
    host: Annotated[str, Field(min_length=1, max_length=253, pattern=HOST)] | None = Field(
        None, description="The request's Host; the default is the endpoint's address."
    )
    path: Annotated[str, Field(max_length=1024, pattern=PATH)] | None = Field(
        None, description="The request's path, such as /healthz; the default is /."
    )
    expected_statuses: Annotated[list[_StatusesText], Field(min_length=1, max_length=16), IsSet()] | None = Field(
        None, description="Status codes that are healthy, as in '204' or '200-299'; the default is 200-399."
    )
    interval_milliseconds: int = Field(
        _DEFAULT_INTERVAL_MS, ge=100, le=300_000, description="Between two probes of an endpoint, 100 to 300000."
    )
    timeout_milliseconds: int | None = Field(
        None,
        ge=10,
        le=60_000,
        description=f"A later answer is none; at most the interval. The default is {_DEFAULT_TIMEOUT_MS}, or the"
        " interval if that is shorter.",
    )
    rise: int = Field(2, ge=1, le=100, description="So many good probes in a row make an endpoint healthy, 1 to 100.")
    fall: int = Field(3, ge=1, le=100, description="So many bad probes in a row make an endpoint sick, 1 to 100.")
    fail_when: Annotated[FailWhen, Field(strict=False)] = Field(
        FailWhen.ALL, description="All: a node is sick when all its endpoints of the Service are; Any: when one is."
    )
    on_failure: Annotated[OnFailure, Field(strict=False)] = Field(
        OnFailure.DEPREFER,
        description="Deprefer: a sick node takes traffic only when no other node is well; Withdraw: never.",
    )
    service_selectors: SelectorList | None = Field(
        None, description="Services that are checked, by label; one selector must match. Leave the field out for all."
    )

    @field_validator("timeout_milliseconds")
    @classmethod
    def _within_the_interval(cls, timeout: int, info: ValidationInfo) -> int:
        interval = info.data.get("interval_milliseconds")
        if interval is not None and timeout > interval:
            hint = f"Use at most {interval}, or leave the field out."
            raise refusal(f"{timeout} is more than intervalMilliseconds {interval}", hint)
        return timeout

    @model_validator(mode="after")
    def _fields_fit_the_protocol(self) -> "HealthCheckSpec":
        given = (self.host, self.path, self.expected_statuses)
        if self.protocol is Protocol.TCP and any(value is not None for value in given):
            raise refusal("is about TCP and about HTTP", f"Remove {', '.join(_HTTP_ONLY)}, or use protocol HTTP or HTTPS.")
        return self

    def meaning(self, name: str) -> HealthCheck:
        timeout_ms = self.timeout_milliseconds or min(_DEFAULT_TIMEOUT_MS, self.interval_milliseconds)
        ranges = tuple(sorted(map(_ends, self.expected_statuses or ("200-399",))))
        return HealthCheck(
            name=HealthCheckName(name),
            protocol=self.protocol,
            port=self.port,
            host=self.host,
            path=self.path or "/",
            statuses=ranges,
            interval_s=self.interval_milliseconds / 1000,
            timeout_s=timeout_ms / 1000,
            rise=self.rise,
            fall=self.fall,
            fail_when=self.fail_when,
            on_failure=self.on_failure,
            service_selectors=selectors_meaning(self.service_selectors),
        )
