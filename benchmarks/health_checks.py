"""What active health checks cost the speaker: its CPU time at so many checks a second, by protocol.

The endpoints are one server in a process of its own, on as many addresses of the loopback device, and are not counted.
Counted is all of a process that probes them and judges the answers, with a speaker's own code. Each is asked once a second.

    ./run bench health_checks [--protocols TCP HTTP HTTPS] [--checks 100 1000] [--seconds 10] [--quick]
"""

import argparse
import asyncio
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from ipaddress import IPv4Address
from pathlib import Path

from _report import environment, percentile, table

from bgp_config.config import HealthCheck, Protocol
from bgp_config.names import Family, HealthCheckName
from herald.kube.objects import ObjectKey
from herald.lab.kube.certificates import Certificates
from speaker.health.dialogue import Outcome
from speaker.health.judge import Judge
from speaker.health.prober import Answer, Prober
from speaker.health.targets import EndpointKey, GroupKey, Target

HEAD = ("protocol", "checks a second", "CPU [% of a core]", "per check [µs]", "p50 [ms]", "p99 [ms]")
FIRST = IPv4Address("127.1.0.1")
WARM_UP_S = 2.0
SERVER = Path(__file__).with_name("_health_server.py")


async def measure(protocol: Protocol, port: int, checks: int, seconds: float) -> list[str]:
    """A row of the table."""
    judge, answers = Judge(), list[Answer]()

    def hear(answer: Answer) -> None:
        answers.append(answer)
        judge.hear(answer.endpoint, answer.outcome, answer.at)

    prober = Prober(hear)
    check = HealthCheck(name=HealthCheckName("bench"), protocol=protocol, interval_s=1.0, timeout_s=1.0)
    for number in range(checks):
        group = GroupKey(ObjectKey("default", f"service-{number}"), check.name, Family.IPV4)
        endpoint = EndpointKey(group, FIRST + number)
        judge.watch(group, check, [endpoint], time.monotonic())
        prober.watch(endpoint, Target(check, endpoint.address, port))
    running = asyncio.create_task(prober.run())
    await asyncio.sleep(WARM_UP_S)
    answers.clear()
    begun, cpu = time.monotonic(), time.process_time()
    await asyncio.sleep(seconds)
    took_s, cpu_s = time.monotonic() - begun, time.process_time() - cpu
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    outcomes = Counter(answer.outcome for answer in answers)
    if set(outcomes) != {Outcome.PASSED}:
        raise SystemExit(f"not every check passed: {dict(outcomes)}")
    times = [answer.took_s * 1000 for answer in answers]
    rate, share = len(answers) / took_s, cpu_s / took_s
    figures = (f"{rate:.0f}", f"{share:.1%}", f"{cpu_s / len(answers) * 1e6:.0f}")
    return [protocol.value, *figures, f"{percentile(times, 50):.2f}", f"{percentile(times, 99):.2f}"]


@contextmanager
def server(protocol: Protocol) -> Iterator[int]:
    """Its port."""
    with tempfile.TemporaryDirectory() as directory:
        argv = [sys.executable, str(SERVER)]
        if protocol is Protocol.HTTPS:
            made = Certificates(Path(directory))
            asyncio.run(made.make(["127.0.0.1"]))
            argv += [str(made.server), str(made.server_key)]
        process = subprocess.Popen(argv, stdout=subprocess.PIPE, text=True)
        try:
            assert process.stdout  # noqa: S101 -- for mypy
            yield int(process.stdout.readline())
        finally:
            process.kill()
            process.wait()


def rows(protocols: Sequence[Protocol], numbers: Sequence[int], seconds: float) -> Iterator[list[str]]:
    for protocol in protocols:
        for checks in numbers:
            with server(protocol) as port:
                yield asyncio.run(measure(protocol, port, checks, seconds))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--protocols", type=Protocol, nargs="+", default=[*Protocol])
    parser.add_argument("--checks", type=int, nargs="+", default=[100, 1_000])
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--quick", action="store_true", help="100, for a second each: shows that it works, measures little")
    arguments = parser.parse_args()
    if arguments.quick:
        arguments.checks, arguments.seconds = [100], 1.0
    print(environment())
    print(table(HEAD, rows(arguments.protocols, arguments.checks, arguments.seconds)))


if __name__ == "__main__":
    main()
