"""Asks the API server for a sign of life, and gives up all connections when it gives none.

The kernel notices a peer that is unreachable (see connector), but not one that hangs, nor a proxy that stops forwarding:
both acknowledge every packet. A watch can be silent for a minute when nothing happens.
"""

import asyncio
import logging
from typing import NoReturn

from herald.kube.api.client import ApiClient
from herald.kube.api.errors import ApiError, UnreachableError
from herald.kube.api.pace import Pace, jittered

log = logging.getLogger("herald.kube.api")

_QUESTION = "/livez"
"""Open to everyone who is authenticated, and never held up by flow control (FlowSchema `probes`)."""


async def keep_asking(client: ApiClient, pace: Pace) -> NoReturn:
    missed = False
    while True:
        await asyncio.sleep(pace.pulse_again_s if missed else jittered(pace.pulse_s))
        silence = await _silence(client, pace.pulse_answer_s)
        if missed and silence:
            log.warning("the API server gives no sign of life (%s): all connections to it are made anew", silence)
            await client.hang_up()
        missed = bool(silence) and not missed


async def _silence(client: ApiClient, within_s: float) -> str | None:
    """Why it says nothing at all. An error of its own is a sign of life."""
    try:
        async with asyncio.timeout(within_s):
            await client.get(_QUESTION)
    except ApiError:
        return None
    except UnreachableError as error:
        return f"{error}"
    except TimeoutError:
        return f"no answer within {within_s:g} s"
    return None
