"""Splits the stream of a watch into lines, each one event, however long. Pure."""


class LineSplitter:
    """Pieces in as they come from the wire, whole lines out. What comes after the last line end waits for the rest."""

    def __init__(self) -> None:
        self._rest: list[bytes] = []

    def feed(self, piece: bytes) -> list[bytes]:
        """The lines that this piece completes, without empty ones."""
        *complete, rest = piece.split(b"\n")
        if complete:
            complete[0] = b"".join((*self._rest, complete[0]))
            self._rest = []
        if rest:
            self._rest.append(rest)  # joined once, when the line ends: a long line costs its length, not its square
        return [line for line in complete if line]
