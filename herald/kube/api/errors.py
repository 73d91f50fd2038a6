"""What can come of a call to the API server instead of an answer. Pure.

The server's own refusals are ApiError and its kinds. UnreachableError says that nothing is known: a write may have
happened, or not.
"""

import re
from http import HTTPStatus

import msgspec


class UnreachableError(Exception):
    """No answer: refused, timed out, cut off, no credentials. Its text says which."""


class MalformedError(UnreachableError):
    """An answer, but not a Kubernetes API server's: a proxy's page, say, also with a 200."""


class ApiError(Exception):
    """The server answered, and said no: its Status (meta/v1)."""

    def __init__(self, status: int, reason: str, message: str) -> None:
        super().__init__(f"{status} {reason}: {message}" if message else f"{status} {reason}")
        self.status = status
        self.reason = reason
        self.message = message


class UnauthorizedError(ApiError):
    """401: the token is not, or no longer, valid."""


class ForbiddenError(ApiError):
    """403: no right to it, or an admission policy's refusal."""


class NotFoundError(ApiError):
    """404: the object does not exist, or its kind is not served."""


class ConflictError(ApiError):
    """409: the object has changed meanwhile, or exists already."""


class OwnedByAnotherError(ConflictError):
    """409 of a server-side apply: another field manager owns the field, and nobody forces it."""

    def __init__(self, status: int, reason: str, message: str, manager: str) -> None:
        super().__init__(status, reason, message)
        self.manager = manager


class GoneError(ApiError):
    """410: the resourceVersion or continue token is too old. List again."""


class InvalidError(ApiError):
    """422: the object breaks a rule of its kind. A status apply with a uid that exists no more ends so too."""


_TYPES = {
    401: UnauthorizedError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: GoneError,
    422: InvalidError,
}
_MANAGER = re.compile(r'conflict with "([^"]*)"')


class _Cause(msgspec.Struct, frozen=True):
    reason: str = ""
    message: str = ""
    field: str = ""


class _Details(msgspec.Struct, frozen=True):
    causes: list[_Cause] = []


class _Status(msgspec.Struct, frozen=True):
    code: int = 0
    reason: str = ""
    message: str = ""
    details: _Details = _Details()


def error_of(body: bytes | msgspec.Raw, status: int = 0, reason: str = "") -> ApiError:
    """The error that a body tells of. `status` and `reason` are HTTP's, for a body that is no Status (a plain 404)."""
    try:
        told = msgspec.json.decode(body, type=_Status)
    except msgspec.DecodeError:
        told = _Status(message=bytes(body[:200]).decode(errors="replace").strip())
    code = status or told.code
    words = (code, told.reason or reason, told.message)
    if code == HTTPStatus.CONFLICT:
        for cause in told.details.causes:
            if cause.reason == "FieldManagerConflict" and (found := _MANAGER.search(cause.message)):
                return OwnedByAnotherError(*words, manager=found.group(1))
    return _TYPES.get(code, ApiError)(*words)
