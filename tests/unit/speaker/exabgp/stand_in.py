"""A program in ExaBGP's place, for tests of the engine without root: it runs the helper and says what ExaBGP would say.

It is run as ExaBGP is: `stand_in.py server CONFIG`. The file `behaviour` beside it holds one word: what it does.
- peer: the session is up at once; every command is carried out.
- helper: so it is, and the peer keeps routes over a restart.
- mute: the session is up, and then it says nothing more.
- deaf: it ignores SIGTERM.
- crash: it exits at once with status 3.
- quote: so it does, and quotes its configuration.
- flap: the session goes down as soon as it was up.
- refuse: so it does, since the peer had too many prefixes.
Each start adds a line to the file `starts`.
"""

import os
import random
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "root"))

from bgp_config.names import Family  # noqa: E402 -- the way to it is known only now
from tests.unit.speaker.exabgp.model import UP, ExaBgp, down, peer_open  # noqa: E402


def main(config: str) -> None:
    behaviour = (HERE / "behaviour").read_text().strip()
    with (HERE / "starts").open("a") as starts:
        starts.write(f"{os.getpid()}\n")
    if behaviour == "crash":
        print("no such thing", flush=True)  # noqa: T201 -- its log
        sys.exit(3)
    if behaviour == "quote":
        print(Path(config).read_text(), flush=True)  # noqa: T201 -- its log
        sys.exit(3)
    command = re.search(r"run (.*);", Path(config).read_text())
    assert command
    helper = subprocess.Popen(command[1].split(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, process_group=0)
    assert helper.stdin
    assert helper.stdout

    def on_sigterm(*_: object) -> None:
        if behaviour != "deaf":
            helper.terminate()
            helper.wait()
            sys.exit(0)

    signal.signal(signal.SIGTERM, on_sigterm)
    ends = {"flap": down("closing connection"), "refuse": down("notification received (6,1)")}
    helper.stdin.write(peer_open([Family.IPV4], helps_restart=behaviour == "helper") + UP + ends.get(behaviour, b""))
    helper.stdin.flush()
    exabgp = ExaBgp(random.Random(1))  # noqa: S311 -- repeatable, no secret
    while behaviour in {"mute", "flap", "refuse"}:
        time.sleep(1)
    while octets := os.read(helper.stdout.fileno(), 1 << 16):
        exabgp.read(octets)
        while not exabgp.idle:
            exabgp.step()
            helper.stdin.write(exabgp.output)
            exabgp.output = b""
        helper.stdin.flush()


main(sys.argv[2])
