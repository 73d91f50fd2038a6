"""Lists a collection in pages: a body at a time, so that a large one costs little memory."""

from collections.abc import AsyncIterator
from dataclasses import dataclass

import msgspec

from herald.kube.api.client import ApiClient, Query
from herald.kube.api.decode import Head, decode_head, decode_page

_LIMIT = ("limit", "500")


@dataclass(frozen=True, slots=True)
class Listed:
    """One page. `resource_version` is that of the whole list."""

    items: tuple[tuple[Head, msgspec.Raw], ...]
    resource_version: str


async def list_pages(client: ApiClient, path: str, query: Query) -> AsyncIterator[Listed]:
    """As the store has it now, not a cache: no resourceVersion is given (0 would also ignore the limit).

    Raises GoneError in the middle when it takes too long, and what ApiClient and decode_page raise.
    """
    after: Query = ()
    while True:
        page = decode_page(await client.get(path, [*query, _LIMIT, *after]))
        items = tuple((decode_head(raw), raw) for raw in page.items or ())
        yield Listed(items, page.metadata.resource_version)
        if not page.metadata.continue_:
            return
        after = [("continue", page.metadata.continue_)]
