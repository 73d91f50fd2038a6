"""Whatever the order in which lists, watches, fetches and claims come: in the end exactly the claimed slices are said."""

from dataclasses import dataclass, field

import msgspec
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from herald.kube.api.decode import EventType, Head
from herald.kube.api.problems import Problems
from herald.kube.api.slices import Fetch, SliceFeed
from herald.kube.objects import EndpointSlice, ObjectKey
from herald.kube.source import Gone, Upsert
from tests.unit.herald.kube.api.words_of import slice_item

WEB, DNS = ObjectKey("default", "web"), ObjectKey("default", "dns")

Item = tuple[Head, msgspec.Raw]


class Reader:
    """What a program makes of the words: which slices there are, in which state."""

    def __init__(self) -> None:
        self.slices: dict[str, str] = {}

    def post(self, change: Upsert | Gone) -> None:
        match change:
            case Upsert():
                assert isinstance(change.object, EndpointSlice)
                self.slices[change.key.name] = change.object.endpoints[0].addresses[0]
            case Gone():
                del self.slices[change.key.name]  # never said of what is not there


def listed(feed: SliceFeed, *items: Item) -> None:
    feed.begin_list()
    for item in items:
        feed.item(*item)
    feed.end_list(0.0)


def made() -> tuple[SliceFeed, Reader]:
    reader = Reader()
    return SliceFeed(reader.post, Problems(), lambda: None), reader


def test_slices_of_others_are_not_said() -> None:
    feed, reader = made()
    feed.claim(WEB)
    listed(feed, slice_item("web-1", "web"), slice_item("dns-1", "dns"))
    feed.event(EventType.ADDED, *slice_item("dns-2", "dns", 2), 0.0)
    assert set(reader.slices) == {"web-1"}


def test_a_service_claimed_before_it_has_slices_needs_no_fetch() -> None:
    feed, reader = made()
    listed(feed, slice_item("dns-1", "dns"))
    feed.claim(WEB)
    assert not feed.wanted
    feed.event(EventType.ADDED, *slice_item("web-1", "web", 2), 0.0)
    assert set(reader.slices) == {"web-1"}


def test_a_service_that_had_slices_needs_one() -> None:
    feed, reader = made()
    listed(feed, slice_item("web-1", "web"), slice_item("web-2", "web"))
    feed.claim(WEB)
    feed.fetched(feed.wanted[WEB], [slice_item("web-1", "web"), slice_item("web-2", "web")])
    assert set(reader.slices) == {"web-1", "web-2"}
    assert not feed.wanted


def test_a_service_whose_slices_are_all_deleted_again_needs_none() -> None:
    feed, _ = made()
    listed(feed, slice_item("web-1", "web"))
    feed.event(EventType.DELETED, *slice_item("web-1", "web", 2), 0.0)
    feed.claim(WEB)
    assert not feed.wanted


def test_a_fetch_does_not_bring_back_what_was_deleted_meanwhile() -> None:
    feed, reader = made()
    listed(feed, slice_item("web-1", "web"))
    feed.claim(WEB)
    feed.event(EventType.DELETED, *slice_item("web-1", "web", 2), 0.0)
    feed.fetched(feed.wanted[WEB], [slice_item("web-1", "web")])
    assert not reader.slices


def test_a_watch_that_lags_behind_a_fetch_does_not_undo_it() -> None:
    feed, reader = made()
    listed(feed, slice_item("web-1", "web"))
    feed.claim(WEB)
    feed.fetched(feed.wanted[WEB], [slice_item("web-1", "web", 9, "10.1.0.9")])
    feed.event(EventType.MODIFIED, *slice_item("web-1", "web", 5), 0.0)
    feed.event(EventType.DELETED, *slice_item("web-1", "web", 6), 0.0)
    assert reader.slices == {"web-1": "10.1.0.9"}


def test_a_service_that_is_unclaimed_takes_its_slices_along() -> None:
    feed, reader = made()
    feed.claim(WEB)
    listed(feed, slice_item("web-1", "web"))
    feed.unclaim(WEB)
    assert not reader.slices
    feed.claim(WEB)
    assert WEB in feed.wanted


def test_the_answer_to_a_wish_that_was_given_up_counts_for_nothing() -> None:
    feed, reader = made()
    listed(feed, slice_item("web-1", "web"))
    feed.claim(WEB)
    old = feed.wanted[WEB]
    feed.unclaim(WEB)
    feed.fetched(old, [slice_item("web-1", "web")])
    feed.claim(WEB)
    feed.fetched(old, [slice_item("web-1", "web")])
    assert not reader.slices


def test_a_slice_that_is_handed_over_stays_when_its_former_service_is_given_up() -> None:
    feed, reader = made()
    feed.claim(WEB)
    feed.claim(DNS)
    listed(feed, slice_item("x", "web"))
    feed.event(EventType.MODIFIED, *slice_item("x", "dns", 2), 0.0)
    feed.unclaim(WEB)
    assert set(reader.slices) == {"x"}
    feed.unclaim(DNS)
    assert not reader.slices


def test_a_fetch_does_not_bring_back_what_was_handed_over_meanwhile() -> None:
    feed, reader = made()
    listed(feed, slice_item("x", "web"))
    feed.claim(WEB)
    feed.event(EventType.MODIFIED, *slice_item("x", "dns", 2), 0.0)
    feed.fetched(feed.wanted[WEB], [slice_item("x", "web")])
    assert not reader.slices


def state(name: str, owner: str, version: int) -> Item:
    """Each one means something else, so that it is said."""
    return slice_item(name, owner, version, address=str(version))


@dataclass
class Store:
    """The API server: what exists, and all that ever happened."""

    slices: dict[str, tuple[str, int]] = field(default_factory=dict)
    history: list[tuple[EventType, Item]] = field(default_factory=list)

    @property
    def version(self) -> int:
        return len(self.history)

    def put(self, name: str, owner: str) -> None:
        """Also of one that belonged to another Service: who writes it may change its label."""
        type_ = EventType.MODIFIED if name in self.slices else EventType.ADDED
        self.slices[name] = (owner, self.version + 1)
        self.history.append((type_, state(name, owner, self.version + 1)))

    def delete(self, name: str) -> None:
        owner, _ = self.slices.pop(name)
        self.history.append((EventType.DELETED, state(name, owner, self.version + 1)))

    def list(self, owner: str | None = None) -> list[Item]:
        return [state(name, its, at) for name, (its, at) in self.slices.items() if owner in {None, its}]


@dataclass
class Listing:
    version: int
    rest: list[Item]


class SlicesMachine(RuleBasedStateMachine):
    """The server changes; the source lists, watches and fetches at its own pace; Services are claimed and given up."""

    def __init__(self) -> None:
        super().__init__()
        self.store = Store()
        self.reader = Reader()
        self.feed = SliceFeed(self.reader.post, Problems(), lambda: None)
        self.claimed: set[ObjectKey] = set()
        self.listing: Listing | None = None
        self.watched: int | None = None
        self.fetching: tuple[Fetch, list[Item]] | None = None

    @rule(name=st.sampled_from(["x", "y"]), owner=st.sampled_from(["web", "dns"]))
    def put(self, name: str, owner: str) -> None:
        self.store.put(name, owner)

    @precondition(lambda self: self.store.slices)
    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        self.store.delete(data.draw(st.sampled_from(sorted(self.store.slices))))

    @rule(service=st.sampled_from([WEB, DNS]))
    def claim(self, service: ObjectKey) -> None:
        self.claimed.add(service)
        self.feed.claim(service)

    @rule(service=st.sampled_from([WEB, DNS]))
    def unclaim(self, service: ObjectKey) -> None:
        self.claimed.discard(service)
        self.feed.unclaim(service)

    @rule()
    def begin_list(self) -> None:
        """Also while another one is under way, which then has failed."""
        self.watched = None
        self.feed.begin_list()
        self.listing = Listing(self.store.version, self.store.list())

    @precondition(lambda self: self.listing)
    @rule()
    def read_list(self) -> None:
        assert self.listing is not None
        if self.listing.rest:
            self.feed.item(*self.listing.rest.pop())
        else:
            self.feed.end_list(0.0)
            self.watched, self.listing = self.listing.version, None

    @precondition(lambda self: self.watched is not None and self.watched < self.store.version)
    @rule()
    def watch(self) -> None:
        assert self.watched is not None
        type_, item = self.store.history[self.watched]
        self.feed.event(type_, *item, 0.0)
        self.watched += 1

    @precondition(lambda self: self.feed.wanted and self.fetching is None)
    @rule()
    def ask(self) -> None:
        fetch = next(iter(self.feed.wanted.values()))
        self.fetching = fetch, self.store.list(fetch.service.name)

    @precondition(lambda self: self.fetching is not None)
    @rule()
    def answer(self) -> None:
        assert self.fetching is not None
        self.feed.fetched(*self.fetching)
        self.fetching = None

    @invariant()
    def nothing_unclaimed_is_said(self) -> None:
        said = [self.store.history[int(version) - 1][1][0] for version in self.reader.slices.values()]
        assert {head.service for head in said} <= self.claimed

    def teardown(self) -> None:
        """Everything that is under way comes to its end; then one Service after the other is given up."""
        if self.listing is None and self.watched is None:
            self.begin_list()
        while self.listing:
            self.read_list()
        while self.watched is not None and self.watched < self.store.version:
            self.watch()
        while self.feed.wanted or self.fetching:
            if self.fetching is None:
                self.ask()
            self.answer()
        self.exactly_the_claimed_are_said()
        for service in (WEB, DNS):
            self.unclaim(service)
            self.exactly_the_claimed_are_said()

    def exactly_the_claimed_are_said(self) -> None:
        slices = self.store.slices.items()
        assert self.reader.slices == {
            name: str(at) for name, (its, at) in slices if ObjectKey("default", its) in self.claimed
        }


TestSlices = SlicesMachine.TestCase
TestSlices.settings = settings(max_examples=400, stateful_step_count=30, deadline=None)
