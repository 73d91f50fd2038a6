"""BGPPeer: a router that the selected nodes keep a BGP session with."""

import re
from ipaddress import IPv4Address, ip_address
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field, ValidationInfo, field_validator, model_validator

from bgp_config.config import Deprefer, NodeField, NodeValue, Peer, SecretRef
from bgp_config.names import ASN, BFDProfileName, Family, IPAddress, PeerName
from bgp_config.spec.addresses import AddressText, UnicastAddressText
from bgp_config.spec.base import Distinct, NamespaceName, ObjectName, ObjectSpec, Spec, refusal, require_one_of_each
from bgp_config.spec.cel import Cel, IsSet
from bgp_config.spec.deprefer import DepreferSpec
from bgp_config.spec.selector import LabelKey, SelectorList, selectors_meaning

_RESERVED_ASNS = {23456: "AS_TRANS, RFC 6793", 65535: "RFC 7300", 2**32 - 1: "RFC 7300"}
_MAX_KEEPALIVE_S = 65535 // 3
_DEFAULT_HOLD_TIME_S = 90


def _unreserved(asn: int) -> int:
    if asn in _RESERVED_ASNS:
        raise refusal(f"{asn} is reserved ({_RESERVED_ASNS[asn]})", "Use your own ASN, or a private one such as 64512.")
    return asn


_UNRESERVED = Cel(
    f"!(self in {list(_RESERVED_ASNS)})", f"must not be reserved, as {', '.join(map(str, _RESERVED_ASNS))} are"
)
_ASNumber = Annotated[int, Field(ge=1, le=2**32 - 1), AfterValidator(_unreserved), _UNRESERVED]
_IS_ROUTER_ID = Cel(
    "!isIP(self) || (ip(self).family() == 4 && !ip(self).isUnspecified())",
    "must be written like an IPv4 address other than 0.0.0.0",
)
_FamilyText = Annotated[Literal["IPv4", "IPv6"], Distinct]


def read_asn(text: str) -> ASN:
    """What a Node's label or annotation says. ValueError for what is no usable ASN."""
    number = int(text) if re.fullmatch("[1-9][0-9]{0,9}", text) else 0
    if not 1 <= number < 2**32:
        raise ValueError(f"{text!r} is not an ASN")
    return ASN(_unreserved(number))


class SecretRefSpec(Spec):
    namespace: NamespaceName = Field("herald-system", description="The Secret's namespace.")
    name: ObjectName = Field(description="The Secret's name; its key `password` holds the password.")


class GracefulRestartSpec(Spec):
    restart_time_seconds: int = Field(
        120, ge=1, le=4095, description="How long the peer keeps routes of a session that was lost, 1 to 4095 (RFC 4724)."
    )


class MultihopSpec(Spec):
    ttl: int = Field(64, ge=2, le=255, description="TTL of the node's packets, 2 to 255.")


class TTLSecuritySpec(Spec):
    hops: int = Field(
        1, ge=1, le=254, description="How many hops away the router is at most, 1 to 254; 1 is a router on the same link."
    )


class NodeValueSpec(Spec):
    """Either nodeLabel or nodeAnnotation."""

    rules: ClassVar[tuple[Cel, ...]] = (
        Cel("has(self.nodeLabel) != has(self.nodeAnnotation)", "give either nodeLabel or nodeAnnotation"),
    )

    node_label: LabelKey | None = Field(
        None, description="The key of a label of the Node. No label can hold an IPv6 address."
    )
    node_annotation: LabelKey | None = Field(None, description="The key of an annotation of the Node.")

    @model_validator(mode="after")
    def _one_of_both(self) -> "NodeValueSpec":
        if (self.node_label is None) == (self.node_annotation is None):
            raise refusal("does not say where the value is", "Give either nodeLabel or nodeAnnotation.")
        return self

    def meaning(self) -> NodeValue:
        if self.node_label is not None:
            return NodeValue(NodeField.LABEL, self.node_label)
        return NodeValue(NodeField.ANNOTATION, self.node_annotation or "")


_ALTERNATIVES = (("localASN", "localASNFrom"), ("peerASN", "peerASNFrom"), ("peerAddress", "peerAddressFrom"))


class BGPPeerSpec(ObjectSpec):
    rules: ClassVar[tuple[Cel, ...]] = (
        *(
            Cel(f"has(self.{given}) != has(self.{source})", f"give either {given} or {source}")
            for given, source in _ALTERNATIVES
        ),
        Cel(
            "!has(self.multihop) || !has(self.ttlSecurity)",
            "multihop and ttlSecurity exclude each other: for a router some hops away give ttlSecurity.hops",
        ),
        Cel(
            "!has(self.keepaliveTimeSeconds) || self.keepaliveTimeSeconds"
            f" <= (has(self.holdTimeSeconds) ? self.holdTimeSeconds : {_DEFAULT_HOLD_TIME_S}) / 3",
            "keepaliveTimeSeconds must be at most a third of holdTimeSeconds",
        ),
        Cel(
            "!has(self.sourceAddress) || !has(self.peerAddress) || !isIP(self.sourceAddress) || !isIP(self.peerAddress)"
            " || (ip(self.peerAddress).family() == 4"
            " ? ip(self.sourceAddress).family() == 4 && !cidr(self.peerAddress + '/32').containsIP(self.sourceAddress)"
            " : ip(self.sourceAddress).family() == 6 && !cidr(self.peerAddress + '/128').containsIP(self.sourceAddress))",
            "sourceAddress must be another address of the family of peerAddress",
        ),
    )

    local_asn: _ASNumber | None = Field(None, alias="localASN", description="The nodes' ASN, 1 to 4294967295.")
    local_asn_from: NodeValueSpec | None = Field(
        None, alias="localASNFrom", description="Instead of localASN: each node's own, from a label or an annotation."
    )
    peer_asn: _ASNumber | None = Field(
        None,
        alias="peerASN",
        description="The router's ASN, 1 to 4294967295. The same as localASN makes it iBGP.",
    )
    peer_asn_from: NodeValueSpec | None = Field(
        None, alias="peerASNFrom", description="Instead of peerASN: each node's, from a label or an annotation."
    )
    peer_address: UnicastAddressText | None = Field(None, description="The router's address, IPv4 or IPv6.")
    peer_address_from: NodeValueSpec | None = Field(
        None,
        description="Instead of peerAddress: each node's, from a label or an annotation, so that one object serves all"
        " racks.",
    )
    peer_port: int = Field(179, ge=1, le=65535, description="The router's TCP port, 1 to 65535.")
    hold_time_seconds: int = Field(
        _DEFAULT_HOLD_TIME_S,
        ge=3,
        le=65535,
        description="3 to 65535 (RFC 4271); 0 is refused, since without keepalives a dead node would keep its traffic.",
    )
    keepalive_time_seconds: int | None = Field(
        None, ge=1, le=_MAX_KEEPALIVE_S, description="At most a third of holdTimeSeconds, which is also the default."
    )
    connect_retry_seconds: int = Field(
        1, ge=1, le=60, description="The longest pause between two attempts to connect, 1 to 60."
    )
    multihop: MultihopSpec | None = Field(
        None, description="On eBGP: the router is not on a network of the node, but some hops away: an object."
    )
    ttl_security: TTLSecuritySpec | None = Field(
        None, description="Take packets only from a router at most so many hops away (RFC 5082), as it does too: an object."
    )
    max_prefixes: int | None = Field(
        None,
        ge=1,
        le=1_000_000,
        description="At most so many prefixes of a family are announced, 1 to 1000000: those of the oldest Services. Stay"
        " below the router's own limit, at which it would end the session.",
    )
    source_address: UnicastAddressText | None = Field(
        None, description="The node's end of the session. Leave the field out to follow the node's routing table."
    )
    router_id: Annotated[AddressText, _IS_ROUTER_ID] | None = Field(
        None,
        alias="routerID",
        description="Four numbers as in 10.0.0.1. Leave the field out to use the node's IPv4 address.",
    )
    password_secret: SecretRefSpec | None = Field(
        None, description="The Secret with the TCP MD5 password: an object with name and, optionally, namespace."
    )
    node_selectors: SelectorList | None = Field(
        None, description="Nodes that keep this session, by label; one selector must match. Leave the field out for all."
    )
    families: Annotated[list[_FamilyText], Field(min_length=1, max_length=2), IsSet()] | None = Field(
        None, description="IPv4, IPv6 or both; the default is the family of peerAddress."
    )
    graceful_restart: GracefulRestartSpec | None = Field(
        None, description="Asks the peer to keep routes while a speaker restarts (RFC 4724): an object."
    )
    bfd_profile: ObjectName | None = Field(
        None, description="The BFDProfile by which the router is watched. Leave the field out to do without BFD."
    )

    deprefer: DepreferSpec | None = Field(
        None,
        description="How this router hears of routes that are least preferred, where the usual way does not suit it: an"
        " object.",
    )

    @field_validator("keepalive_time_seconds")
    @classmethod
    def _third_of_hold_time(cls, keepalive: int, info: ValidationInfo) -> int:
        hold = info.data.get("hold_time_seconds")
        if hold is not None and keepalive > hold // 3:
            hint = f"Use at most {hold // 3}, or leave the field out."
            raise refusal(f"{keepalive} is more than a third of holdTimeSeconds {hold}", hint)
        return keepalive

    @field_validator("source_address")
    @classmethod
    def _other_end(cls, source: str, info: ValidationInfo) -> str:
        peer = info.data.get("peer_address")
        if peer is None:
            return source
        if Family.of(ip_address(peer)) is not Family.of(ip_address(source)):
            hint = "Both ends of a session need addresses of one family."
            raise refusal(f"{source} is not of the family of peerAddress {peer}", hint)
        if ip_address(peer) == ip_address(source):
            raise refusal(f"{source} is also peerAddress", "Give the node's own address, or leave the field out.")
        return source

    @field_validator("router_id")
    @classmethod
    def _router_id_is_ipv4(cls, router_id: str) -> str:
        address = ip_address(router_id)
        if not isinstance(address, IPv4Address) or address.is_unspecified:
            hint = "Write it like an IPv4 address other than 0.0.0.0 (RFC 6286), also for IPv6 sessions."
            raise refusal(f'"{router_id}" is not a router ID', hint)
        return router_id

    @field_validator("ttl_security")
    @classmethod
    def _not_beside_multihop(cls, security: TTLSecuritySpec, info: ValidationInfo) -> TTLSecuritySpec:
        if info.data.get("multihop") is not None:
            hint = "For a router some hops away give ttlSecurity.hops alone."
            raise refusal("stands beside multihop, which accepts packets from anywhere", hint)
        return security

    @model_validator(mode="after")
    def _each_said_once(self) -> "BGPPeerSpec":
        require_one_of_each(self, _ALTERNATIVES)
        return self

    def meaning(self, name: str) -> Peer:
        secret = self.password_secret
        return Peer(
            name=PeerName(name),
            local_asn=_asn(self.local_asn, self.local_asn_from),
            peer_asn=_asn(self.peer_asn, self.peer_asn_from),
            address=_address(self.peer_address, self.peer_address_from),
            port=self.peer_port,
            hold_time_s=self.hold_time_seconds,
            keepalive_time_s=self.keepalive_time_seconds or self.hold_time_seconds // 3,
            connect_retry_s=self.connect_retry_seconds,
            multihop_ttl=self.multihop.ttl if self.multihop else None,
            ttl_security_hops=self.ttl_security.hops if self.ttl_security else None,
            max_prefixes=self.max_prefixes,
            source_address=ip_address(self.source_address) if self.source_address else None,
            router_id=IPv4Address(self.router_id) if self.router_id else None,
            password_secret=SecretRef(namespace=secret.namespace, name=secret.name) if secret else None,
            node_selectors=selectors_meaning(self.node_selectors),
            families=frozenset(Family(int(text.removeprefix("IPv"))) for text in self.families) if self.families else None,
            graceful_restart_s=self.graceful_restart.restart_time_seconds if self.graceful_restart else None,
            deprefer=self.deprefer.meaning() if self.deprefer else Deprefer(),
            bfd_profile=BFDProfileName(self.bfd_profile) if self.bfd_profile else None,
        )


def _asn(number: int | None, source: NodeValueSpec | None) -> ASN | NodeValue:
    """One of both is given."""
    return source.meaning() if source is not None else ASN(number or 0)


def _address(text: str | None, source: NodeValueSpec | None) -> IPAddress | NodeValue:
    """One of both is given."""
    return source.meaning() if source is not None else ip_address(text or "")
