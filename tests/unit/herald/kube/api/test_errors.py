import msgspec
import pytest

from herald.kube.api.errors import (
    ApiError,
    ConflictError,
    ForbiddenError,
    GoneError,
    InvalidError,
    NotFoundError,
    OwnedByAnotherError,
    UnauthorizedError,
    error_of,
)


def status(code: int, reason: str = "Why", **details: object) -> bytes:
    return msgspec.json.encode({"kind": "Status", "code": code, "reason": reason, "message": "what", "details": details})


@pytest.mark.parametrize(
    ("code", "error"),
    [
        (401, UnauthorizedError),
        (403, ForbiddenError),
        (404, NotFoundError),
        (409, ConflictError),
        (410, GoneError),
        (422, InvalidError),
        (429, ApiError),
        (500, ApiError),
    ],
)
def test_each_code_is_an_error_of_its_own_type(code: int, error: type[ApiError]) -> None:
    found = error_of(status(code), code)
    assert type(found) is error
    assert (found.status, found.reason, found.message) == (code, "Why", "what")


def test_a_body_that_is_no_status_is_told_as_it_is() -> None:
    found = error_of(b"404 page not found\n", 404, "Not Found")
    assert type(found) is NotFoundError
    assert str(found) == "404 Not Found: 404 page not found"


def test_the_code_of_an_event_is_in_the_status() -> None:
    assert type(error_of(status(410, "Expired"))) is GoneError


def test_the_manager_that_owns_a_field_is_named() -> None:
    cause = {
        "reason": "FieldManagerConflict",
        "message": 'conflict with "metallb-controller" with subresource "status" using v1',
        "field": ".status.loadBalancer.ingress",
    }
    found = error_of(status(409, "Conflict", causes=[cause]), 409)
    assert isinstance(found, OwnedByAnotherError)
    assert found.manager == "metallb-controller"
