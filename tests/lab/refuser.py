"""A router that wants no session: `python refuser.py SUBCODE` answers each OPEN on port 179 with Cease of that subcode.

A program of its own for tests. It prints a line for each.
"""

import itertools
import socket
import struct
import sys

HEADER = 19
NOTIFICATION, CEASE = 3, 6


def main(subcode: int) -> None:
    refusal = b"\xff" * 16 + struct.pack("!HBBB", HEADER + 2, NOTIFICATION, CEASE, subcode)
    with socket.create_server(("", 179)) as server:
        for number in itertools.count(1):
            io, _ = server.accept()
            with io:
                io.settimeout(5)
                if io.recv(4096):
                    print(f"refused {number}", flush=True)  # noqa: T201
                    io.sendall(refusal)
                    io.recv(4096)  # the other end closes


if __name__ == "__main__":
    main(int(sys.argv[1]))
