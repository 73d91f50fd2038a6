"""null in JSON and YAML is the same as absent, for everything that Herald reads. Pure."""

from typing import Any


def without_nulls(value: Any) -> Any:  # noqa: ANN401 -- plain JSON values
    match value:
        case dict():
            return {key: without_nulls(inner) for key, inner in value.items() if inner is not None}
        case list():
            return [without_nulls(inner) for inner in value]
        case _:
            return value
