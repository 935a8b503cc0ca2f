"""What clients do, for tests of the rules about it."""

from dataclasses import dataclass

from hushpost_edge.burst_detection import BurstDetector
from hushpost_edge.event_reasons import Reason

TOKEN, NETWORK, OTHER_NETWORK = b"t", b"192.0.2", b"198.51.100"


@dataclass
class Clock:
    """A clock that a test sets, in seconds."""

    now: float = 100.0

    def __call__(self) -> float:
        """Return the time."""
        return self.now


def observe(
    bursts: BurstDetector, token: bytes, network: bytes, link: int, serial: int
) -> list[int] | None:
    """Return the corrections of a scanner's event; None for other events."""
    observed = bursts.observe(token, network, link, serial)
    return None if observed.reason is None else observed.corrections


def reasons(bursts: BurstDetector, *clicks: tuple[float, int]) -> list[Reason | None]:
    """Click on links, each after a pause, and return by which rule each click is a scanner's."""
    clock = bursts._clock
    assert isinstance(clock, Clock)
    found = []
    for serial, (pause, link) in enumerate(clicks):
        clock.now += pause
        found.append(bursts.observe(TOKEN, NETWORK, link, serial).reason)
    return found
