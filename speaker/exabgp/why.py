"""Why a session ended, in words that people understand (RFC 4271, section 4.5; RFC 4486; RFC 8538). Pure."""

import re

_CODES = {
    1: "Message Header Error",
    2: "OPEN Message Error",
    3: "UPDATE Message Error",
    4: "Hold Timer Expired",
    5: "Finite State Machine Error",
    6: "Cease",
    7: "ROUTE-REFRESH Message Error",
}
_SUBCODES = {
    (2, 1): "Unsupported Version Number",
    (2, 2): "Bad Peer AS",
    (2, 3): "Bad BGP Identifier",
    (2, 5): "Authentication Failure",
    (2, 6): "Unacceptable Hold Time",
    (2, 7): "Unsupported Capability",
    (6, 1): "Maximum Number of Prefixes Reached",
    (6, 2): "Administrative Shutdown",
    (6, 3): "Peer De-configured",
    (6, 4): "Administrative Reset",
    (6, 5): "Connection Rejected",
    (6, 6): "Other Configuration Change",
    (6, 7): "Connection Collision Resolution",
    (6, 8): "Out of Resources",
    (6, 9): "Hard Reset",
    (6, 10): "BFD Down",
}
_HINTS = {
    (6, 1): "it takes fewer than we have: set maxPrefixes below its limit. It is tried again in some minutes",
    (
        6,
        5,
    ): "it does not want a session from this address now: is it configured there, or does somebody else here speak BGP?",
    (6, 7): "it has a session with this address already: somebody else speaks BGP from it",
}
"""What an operator should know of those that other routers send."""
_NOTIFICATION = re.compile(r"notification (received|sent) \((\d+),(\d+)\)")


def explain(reason: str) -> str:
    """ExaBGP's reason, said in the RFCs' words."""
    if match := _NOTIFICATION.fullmatch(reason):
        direction, code, subcode = match[1], int(match[2]), int(match[3])
        name = _CODES.get(code, f"error {code}")
        detail = _SUBCODES.get((code, subcode), str(subcode) if subcode else "")
        hint = _HINTS.get((code, subcode), "") if direction == "received" else ""
        return f"NOTIFICATION {direction}: {name}{f' / {detail}' if detail else ''}{f': {hint}' if hint else ''}"
    if reason == "closing connection":
        return "the TCP connection was closed"
    return reason


def error_of(reason: str) -> tuple[int, int] | None:
    """Code and subcode of the NOTIFICATION that ExaBGP's reason tells of, if it does."""
    match = _NOTIFICATION.fullmatch(reason)
    return (int(match[2]), int(match[3])) if match else None


def explain_connect(reason: str, *, has_password: bool) -> str:
    """A failed connect. A router drops segments with a wrong or missing MD5 signature without a word."""
    hint = ", or its TCP MD5 password is another one" if has_password else ", or it wants a TCP MD5 password"
    if reason == "Connection timed out":
        return f"the peer does not answer: unreachable{hint}"
    return f"cannot connect: {reason}"
