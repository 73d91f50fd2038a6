from hypothesis import given
from hypothesis import strategies as st

from herald.kube.api.lines import LineSplitter


@given(st.lists(st.text("ab{}", min_size=1)), st.data())
def test_lines_come_out_whole_however_the_stream_is_cut(lines: list[str], data: st.DataObject) -> None:
    stream = b"".join(line.encode() + b"\n" for line in lines)
    splitter, found = LineSplitter(), list[bytes]()
    while stream:
        size = data.draw(st.integers(1, len(stream)))
        found += splitter.feed(stream[:size])
        stream = stream[size:]
    assert found == [line.encode() for line in lines]


def test_what_has_no_end_yet_is_not_a_line() -> None:
    splitter = LineSplitter()
    assert splitter.feed(b'{"a":1}') == []
    assert splitter.feed(b"\n\n") == [b'{"a":1}']


def test_a_line_of_many_megabytes_is_one_line() -> None:
    splitter = LineSplitter()
    for _ in range(1000):
        assert splitter.feed(b"x" * 10_000) == []
    assert splitter.feed(b"\n") == [b"x" * 10_000_000]
