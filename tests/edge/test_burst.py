"""Several links of one message within a second."""

from dataclasses import dataclass

from hypothesis import given
from hypothesis import strategies as st

from hushpost_edge.burst import Bursts

TOKEN, HOME, AWAY = b"t", "192.0.2", "198.51.100"


@dataclass
class Clock:
    """A clock that stands still unless told."""

    now: float = 100.0

    def __call__(self) -> float:
        """Answer the time."""
        return self.now


def test_two_links_at_once_are_a_burst() -> None:
    """The second link gives the first away, and the open before it too."""
    clock = Clock()
    bursts = Bursts(clock)
    assert bursts.observe(TOKEN, HOME, 0, 1) is None
    clock.now += 0.1
    assert bursts.observe(TOKEN, HOME, 1, 2) is None
    clock.now += 0.5
    assert bursts.observe(TOKEN, HOME, 2, 3) == [1, 2]
    assert bursts.observe(TOKEN, HOME, 2, 4) == []
    clock.now += 1.0
    assert bursts.observe(TOKEN, HOME, 0, 5) == []
    clock.now += 1.1
    assert bursts.observe(TOKEN, HOME, 2, 6) is None


def test_a_reader_is_no_burst() -> None:
    """One link many times, or several at a reader's pace, is nobody's scanner."""
    clock = Clock()
    bursts = Bursts(clock)
    for serial in range(10):
        assert bursts.observe(TOKEN, HOME, 1, serial) is None
        clock.now += 0.2
    for link in range(2, 12):
        clock.now += 1.01
        assert bursts.observe(TOKEN, HOME, link, link) is None


def test_only_the_last_second_is_corrected() -> None:
    """What the reader did before the scanner came stays the reader's."""
    clock = Clock()
    bursts = Bursts(clock)
    assert bursts.observe(TOKEN, HOME, 1, 1) is None
    clock.now += 0.8
    assert bursts.observe(TOKEN, HOME, 1, 2) is None
    clock.now += 0.8
    assert bursts.observe(TOKEN, HOME, 2, 3) == [2]


def test_readers_who_share_a_token_are_no_burst() -> None:
    """From two networks, two links in one second may be two readers of a group's token."""
    bursts = Bursts(Clock())
    assert bursts.observe(TOKEN, HOME, 1, 1) is None
    assert bursts.observe(TOKEN, AWAY, 2, 2) is None
    assert bursts.observe(b"u", HOME, 2, 3) is None


@given(
    st.lists(
        st.tuples(
            st.integers(0, 3), st.sampled_from([b"t", b"u"]), st.floats(0, 0.6, allow_nan=False)
        ),
        max_size=40,
    )
)
def test_nothing_is_corrected_twice(acts: list[tuple[int, bytes, float]]) -> None:
    """A correction names earlier events of the same token, each at most once."""
    clock = Clock()
    bursts = Bursts(clock)
    owner: dict[int, bytes] = {}
    corrected: set[int] = set()
    for serial, (link, token, wait) in enumerate(acts, 1):
        clock.now += wait
        found = bursts.observe(token, HOME, link, serial)
        if found is None:
            owner[serial] = token
        else:
            assert len(found) == len(set(found))
            assert not corrected & set(found)
            assert all(owner[earlier] == token for earlier in found)
            corrected |= set(found)


def test_memory_is_bounded() -> None:
    """However many tokens come, two generations of so many are remembered at most."""
    bursts = Bursts(Clock(), trails=100)
    for number in range(10_000):
        bursts.observe(number.to_bytes(4), HOME, 1, number)
    assert len(bursts._young) + len(bursts._old) <= 200
