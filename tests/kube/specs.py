"""Specs of each kind for property tests: most are valid or nearly so, some are broken somewhere, as people break them."""

import copy
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any, TypeAlias

from hypothesis import strategies as st

from bgp_config.kind import ConfigKind

Json: TypeAlias = Any

_ODD_ADDRESSES = [
    *["", "x", "1.2.3", "1.2.3.4.5", "010.0.0.1", "10.0.0.256", "10.0.0.1 ", " 10.0.0.1", "10.0.0.1\n", "10.0.0.1/32"],
    *["0.0.0.0", "0.1.2.3", "127.0.0.1", "169.254.1.1", "224.0.0.5", "240.0.0.1", "255.255.255.255", "٣.2.3.4", "0x7f.1"],
    *["::", "::1", "fe80::1", "fe80::1%eth0", "ff02::1", "::ffff:10.0.0.1", "::ffff:a00:1", "2001:db8::1%1", "1:2:3", ":::"],
    *["2001:DB8::1", "2001:0db8:0:0:0:0:0:1", "::10.0.0.1", "64:ff9b::10.0.0.1", "64:ff9b::010.0.0.1", "1::2:3:4:5:6:7:8"],
    *["1:2:3:4:5:6:7::", "2001:db8::00001", "2001:db8::1:", "[2001:db8::1]"],
]
_ODD_CIDRS = [
    *["", "/", "/24", "10.0.0.0", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/08", "10.0.0.0/+8", "10.0.0.0/-1", "10.0.0.0/8/8"],
    *["10.0.0.1/24", "10.0.0.0/255.0.0.0", "0.0.0.0/0", "::/0", "126.0.0.0/7", "127.0.0.0/8", "192.0.0.0/2", "10.0.0.0/٨"],
    *["2001:db8::1/64", "2001:db8::/129", "fe80::/64", "fe00::/8", "::ffff:0:0/96", "::/64", "::2/127", "2001:DB8::/32"],
]
_ODD_NAMES = [
    "",
    "Upper",
    "under_score",
    "-a",
    "a-",
    "a.",
    ".a",
    "a..b",
    "a/b",
    "a\n",
    "é",
    "no-export",
    "x" * 253,
    "x" * 254,
]
_ODD_COMMUNITIES = [
    *[
        "",
        ":",
        "1",
        "1:",
        ":1",
        "1:2:3:4",
        "65535:65535",
        "65536:1",
        "1:65536",
        "01:1",
        "1:00",
        "-1:1",
        "1:+1",
        "1 :1",
        "1:2\n",
    ],
    *["large:1:2:3", "large:1:2", "large:large:1:2:3", "1:large:2:3", "LARGE:1:2:3", "4294967295:4294967295:4294967295"],
    *["target:65535:4294967295", "origin:65536:65535", "target:65536:65536", "target:65535:4294967296", "origin:1"],
    *["target:10.0.0.1:1", "target:10.0.0.256:1", "origin:1.2.3:1", "target:10.0.0.1:65536", "target:::1:1", "target:a:1"],
    *["target:1:2:3", "soo:1:2", "origin:4294967296:1", "target:01.0.0.1:1", "target:1.2.3.4.5:1", "target:1:2\n"],
    *["4294967296:1:1", "1:2:99999999999999999999", "0:0", "0:0:0", "no-export", "no-export-x", "NO-EXPORT", "a:b", "٣:1"],
]
_ODD_KEYS = [
    "",
    "a/b",
    "example.com/rack",
    "/a",
    "a/",
    "a/b/c",
    "A/b",
    "-a",
    "a_b",
    "é",
    "x" * 63,
    "x" * 64,
    "p" * 254 + "/" + "k" * 63,
]
_ODD_VALUES = ["", "a b", "-a", "a-", "a_b.c", "é", "x" * 63, "x" * 64, "a\n"]
_JUNK = [None, "", "x", 0, 1, -1, 2**31, 2**63, 2**64, 1.0, 1.5, True, False, [], {}, [None], [""], {"": ""}, {"x": None}]

_ODD = 6

_unicast_v4 = st.ip_addresses(v=4, network="10.0.0.0/8").map(str)
_unicast_v6 = st.ip_addresses(v=6, network="2001:db8::/32").map(str)


def mostly(usual: st.SearchStrategy[Json], odd: list[Any]) -> st.SearchStrategy[Json]:
    """The odd ones seldom: an object has many fields. Not for 0, which Hypothesis draws more often than others."""
    return st.integers(0, 31).flatmap(lambda die: st.sampled_from(odd) if die == _ODD else usual)


def fields(required: Mapping[str, st.SearchStrategy[Json]], optional: Mapping[str, st.SearchStrategy[Json]]) -> Any:
    return st.fixed_dictionaries(dict(required), optional=dict(optional))


def lists(items: st.SearchStrategy[Json], *, most: int, unique: bool = False) -> st.SearchStrategy[Json]:
    usual = st.lists(items, min_size=1, max_size=4, unique_by=repr if unique else None)
    too_many = items.map(lambda item: [item] * (most + 1))
    return st.integers(0, 31).flatmap(lambda die: {_ODD: too_many, _ODD + 1: st.just([])}.get(die, usual))


def numbers(least: int, most: int) -> st.SearchStrategy[Json]:
    return mostly(st.integers(least, most), [least, most, least - 1, most + 1, str(least), float(least), least + 0.5, True])


address = mostly(_unicast_v4 | _unicast_v6, _ODD_ADDRESSES)
network = mostly(
    st.ip_addresses(v=4, network="10.0.0.0/8").map(lambda a: f"{a}/32")
    | st.integers(0, 255).map(lambda i: f"10.{i}.0.0/16")
    | st.integers(0, 255).map(lambda i: f"2001:db8:{i:x}::/48"),
    _ODD_CIDRS,
)
name = mostly(st.from_regex(r"[a-z][a-z0-9-]{0,9}[a-z0-9]", fullmatch=True), _ODD_NAMES)
asn = mostly(st.integers(1, 2**32 - 2), [0, 1, 23456, 65535, 2**32 - 1, 2**32, "65001", 65001.0, "1.10"])
community = mostly(
    st.tuples(st.integers(0, 65535), st.integers(0, 65535)).map(lambda t: f"{t[0]}:{t[1]}")
    | st.tuples(*[st.integers(0, 2**32 - 1)] * 3).map(lambda t: ":".join(map(str, t)))
    | st.tuples(st.sampled_from(["target", "origin"]), *[st.integers(0, 65535)] * 2).map(lambda t: ":".join(map(str, t))),
    _ODD_COMMUNITIES,
)
label_key = mostly(st.sampled_from(["rack", "kubernetes.io/hostname", "a.b-c_d"]), _ODD_KEYS)
label_value = mostly(st.sampled_from(["a", "node1", "A.b-c_d"]), _ODD_VALUES)
requirement = fields(
    {"key": label_key, "operator": mostly(st.sampled_from(["In", "NotIn"]), ["Exists", "DoesNotExist", "in", "Gt"])},
    {"values": lists(label_value, most=64)},
) | fields({"key": label_key, "operator": st.sampled_from(["Exists", "DoesNotExist"])}, {"values": st.just([])})
selector = fields(
    {},
    {"matchLabels": st.dictionaries(label_key, label_value, max_size=3), "matchExpressions": lists(requirement, most=64)},
)
selectors = lists(selector, most=64)

_range = st.tuples(st.integers(0, 9999), st.integers(0, 15)).map(
    lambda t: {"start": f"10.2.{t[0] // 100}.{t[0] % 100}", "stop": f"10.2.{t[0] // 100}.{t[0] % 100 + t[1]}"}
)
_odd_blocks = fields({}, {"cidr": network, "start": address, "stop": address}) | st.sampled_from(
    [
        {"start": "10.2.0.9", "stop": "10.2.0.1"},
        {"start": "126.0.0.1", "stop": "128.0.0.1"},
        {"start": "10.0.0.1", "stop": "fd00::1"},
    ]
)
_block = st.integers(0, 15).flatmap(
    lambda die: _odd_blocks if die == _ODD else fields({"cidr": network}, {}) if die > 7 else _range
)


_multihop = {"multihop": fields({}, {"ttl": numbers(2, 255)})}
_ttl_security = {"ttlSecurity": fields({}, {"hops": numbers(1, 254)})}
_deprefer = fields(
    {},
    {
        "asPathPrepend": numbers(0, 32),
        "localPref": numbers(1, 2**32 - 1),
        "gracefulShutdown": st.booleans(),
        "communities": mostly(
            st.just(["65000:100"]),
            [[], ["1:2", "1:2"], ["65536:1"], ["1:2:3"], ["01:2"], ["target:1:2"], ["no-export"], ["1:"]],
        ),
    },
)
_node_value = fields({}, {"nodeLabel": label_key}) | fields({"nodeAnnotation": label_key}, {"nodeLabel": st.just("rack")})


def _or_from(draw: st.DrawFn, field: str, value: st.SearchStrategy[Json]) -> Json:
    """The field, or the one that says where on a Node its value is, or, now and then, both or none."""
    plain, elsewhere = {field: value}, {f"{field}From": _node_value}
    match draw(st.integers(0, 31)):
        case die if die == _ODD:
            return draw(fields({}, plain | elsewhere))
        case die if die < _ODD:
            return draw(fields(elsewhere, {}))
        case _:
            return draw(fields(plain, {}))


@st.composite
def peers(draw: st.DrawFn) -> Json:
    """Both ends of one family, as a rule: drawn one by one they rarely would be."""
    ends = draw(st.sampled_from([_unicast_v4, _unicast_v6, address]))
    family = "IPv6" if ends is _unicast_v6 else "IPv4"
    hold = draw(numbers(3, 65535))
    keepalive = numbers(1, max(1, hold // 3)) if isinstance(hold, int) else numbers(1, 21845)
    spec = draw(
        fields(
            {},
            {
                "connectRetrySeconds": numbers(1, 60),
                "maxPrefixes": numbers(1, 1_000_000),
                "peerPort": numbers(1, 65535),
                "keepaliveTimeSeconds": keepalive,
                "sourceAddress": ends,
                "routerID": mostly(_unicast_v4, _ODD_ADDRESSES),
                "passwordSecret": fields({"name": name}, {"namespace": name}),
                "nodeSelectors": selectors,
                "families": mostly(st.just([family]), [["IPv4", "IPv6"], [family, family], [], ["ipv4"]]),
                "gracefulRestart": fields({}, {"restartTimeSeconds": numbers(1, 4095)}),
                "deprefer": _deprefer,
            },
        )
    )
    spec |= draw(
        fields({}, _multihop) | fields({}, _ttl_security) | mostly(st.just({}), [{"multihop": {}, "ttlSecurity": {}}])
    )
    for field, value in (("localASN", asn), ("peerASN", asn), ("peerAddress", ends)):
        spec |= _or_from(draw, field, value)
    return {**spec, **({"holdTimeSeconds": hold} if draw(st.booleans()) else {})}


_ODD_TIMES = [
    *["", "2027-01-31", "2027-02-29T00:00:00Z", "2027-13-01T00:00:00Z", "2027-01-01T24:00:00Z", "2027-01-01T00:00:60Z"],
    *["2027-01-01T00:00:00", "2027-01-01T00:00:00+01:00", "1999-01-01T00:00:00Z", "2100-01-01T00:00:00Z", "2027-1-1T0:0:0Z"],
    *[
        "2027-01-01t00:00:00z",
        "2027-01-01T00:00:00.5Z",
        "2027-00-01T00:00:00Z",
        "2027-04-31T00:00:00Z",
        "2028-02-29T00:00:00Z",
    ],
]
_time = mostly(
    st.integers(1_600_000_000, 4_000_000_000).map(lambda s: f"{datetime.fromtimestamp(s, UTC):%Y-%m-%dT%H:%M:%SZ}"),
    _ODD_TIMES,
)
_text = mostly(st.text(st.characters(codec="ascii"), max_size=20), ["x" * 256, "x" * 257, "é" * 256])


@st.composite
def drains(draw: st.DrawFn) -> Json:
    """By name or by label; now and then by both, or by none."""
    which = {"nodes": lists(name, most=256, unique=True), "nodeSelectors": selectors}
    some = draw(fields({}, which) if draw(st.integers(0, 15)) == _ODD else st.sampled_from(list(which)))
    chosen = draw(fields({some: which[some]}, {})) if isinstance(some, str) else some
    rest = {"drainSeconds": numbers(0, 3600), "until": _time, "reason": _text, "force": st.booleans()}
    return chosen | draw(fields({}, rest))


_statuses = mostly(
    st.integers(100, 599).map(str) | st.tuples(st.integers(100, 399), st.integers(400, 599)).map(lambda t: f"{t[0]}-{t[1]}"),
    ["", "99", "600", "200-", "-200", "299-200", "200-200", "20", "2000", "200-299-300", "2xx", "200\n", "٢٠٠"],
)
_host = mostly(
    st.sampled_from(["a", "shop.example.com", "10.0.0.1"]), ["", "-a", "a-", "a b", "a\r\nx", "x" * 253, "x" * 254]
)
_path = mostly(
    st.sampled_from(["/", "/healthz", "/a?b=c#d"]), ["", "healthz", "/a b", "/\n", "/é", "/" + "x" * 1023, "/" + "x" * 1024]
)


@st.composite
def health_checks(draw: st.DrawFn) -> Json:
    """What is about HTTP seldom beside TCP."""
    protocol = draw(mostly(st.sampled_from(["TCP", "HTTP", "HTTPS"]), ["tcp", "UDP", ""]))
    http = {"host": _host, "path": _path, "expectedStatuses": lists(_statuses, most=16, unique=True)}
    interval = draw(numbers(100, 300_000))
    timeout = numbers(10, min(60_000, max(10, interval))) if isinstance(interval, int) else numbers(10, 1000)
    optional = {
        "port": numbers(1, 65535),
        "rise": numbers(1, 100),
        "fall": numbers(1, 100),
        "timeoutMilliseconds": timeout,
        "failWhen": mostly(st.sampled_from(["All", "Any"]), ["all", ""]),
        "onFailure": mostly(st.sampled_from(["Deprefer", "Withdraw"]), ["Ignore"]),
        "serviceSelectors": selectors,
        **(http if protocol != "TCP" or draw(st.integers(0, 15)) == _ODD else {}),
    }
    spec = {"protocol": protocol} | draw(fields({}, optional))
    return {**spec, **({"intervalMilliseconds": interval} if draw(st.booleans()) else {})}


_SPECS: Mapping[ConfigKind, st.SearchStrategy[Json]] = {
    ConfigKind.ADDRESS_POOL: fields({"blocks": lists(_block, most=256)}, {"autoAssign": st.booleans()}),
    ConfigKind.BGP_PEER: peers(),
    ConfigKind.BGP_ADVERTISEMENT: fields(
        {},
        {
            "pools": lists(name, most=256, unique=True),
            "peers": lists(name, most=256),
            "nodeSelectors": selectors,
            "serviceSelectors": selectors,
            "communities": lists(community | name, most=64),
            "localPref": numbers(2, 2**32 - 1),
            "med": numbers(0, 2**32 - 1),
            "asPathPrepend": numbers(0, 16),
            "aggregationLengthV4": numbers(8, 32),
            "aggregationLengthV6": numbers(32, 128),
        },
    ),
    ConfigKind.COMMUNITY: fields({"value": community}, {}),
    ConfigKind.BFD_PROFILE: fields(
        {},
        {
            "intervalMilliseconds": numbers(10, 60_000),
            "multiplier": numbers(2, 255),
            "passive": mostly(st.booleans(), ["true", 1]),
            "strict": st.booleans() | st.sampled_from([None, "no", 0]),
        },
    ),
    ConfigKind.HEALTH_CHECK: health_checks(),
    ConfigKind.DRAIN: drains(),
}


@st.composite
def specs(draw: st.DrawFn, kind: ConfigKind) -> Json:
    """A spec of the kind; one in four with a change that knows nothing of what is right."""
    spec = copy.deepcopy(draw(_SPECS[kind]))
    return _changed(draw, spec) if draw(st.integers(0, 3)) == 1 else spec


def _changed(draw: st.DrawFn, spec: Json) -> Json:
    holders: list[Json] = []
    pending = [spec]
    while pending:
        holder = pending.pop()
        if isinstance(holder, dict | list):
            holders.append(holder)
            pending.extend(holder.values() if isinstance(holder, dict) else holder)
    holder = draw(st.sampled_from(holders))
    keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
    match draw(st.sampled_from(["replace", "remove", "add", "twice"])):
        case "replace" if keys:
            holder[draw(st.sampled_from(keys))] = copy.deepcopy(draw(st.sampled_from(_JUNK)))
        case "remove" if keys:
            del holder[draw(st.sampled_from(keys))]
        case "twice" if isinstance(holder, list) and keys:
            holder.append(copy.deepcopy(holder[0]))
        case _ if isinstance(holder, dict):
            holder[draw(st.sampled_from(["x", "cdir", "values", "start"]))] = copy.deepcopy(draw(st.sampled_from(_JUNK)))
        case _:
            holder.append(copy.deepcopy(draw(st.sampled_from(_JUNK))))
    return spec
