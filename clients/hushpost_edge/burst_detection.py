"""Detects scanners by what they do: bursts and sweeps of clicks, HEAD requests, the trap link.

A burst is several links within a second. A sweep is the links one after the other, in order, with
pauses. `scanner_rules.py` has all rules.

Most are noticed when earlier clicks are already on disk. So the detector also returns the
events of the last moments, whose verdict the spool corrects before they are shipped. All state
is in memory that the workers of an edge share, for minutes at most, and bounded.

Only requests from the same network are taken together. In mode AGGREGATE, a whole group
shares one token, so two readers could follow two links in the same second; and the edge
cannot distinguish such a token from others.
"""

from collections import defaultdict
from collections.abc import Callable
from typing import NamedTuple

from hushpost_edge import scanner_rules
from hushpost_edge.client_activity import Activity, RecentEvent, pack_first
from hushpost_edge.correction_mailboxes import CorrectionMailboxes
from hushpost_edge.event_reasons import Reason
from hushpost_edge.shared_entries import SharedEntries

__all__ = ["BurstDetector", "Observation"]

_CORRECTION_SECONDS = 1.5
"""Half a second less than the spool allows, for passing it to another worker and the commit."""


class Observation(NamedTuple):
    """What an event is known to be.

    Attributes:
        reason: By which rule it is a scanner's; None if by none.
        trial: By which rule on trial it would be, if those were applied.
        corrections: The serial numbers of earlier events of this worker that are the
            scanner's and have not been returned before.
    """

    reason: Reason | None = None
    trial: Reason | None = None
    corrections: list[int] = []  # noqa: RUF012 - not changed


_NOTHING = Observation()


class BurstDetector:
    """Tracks recent events by token and network, for one worker.

    Args:
        activities: The activities that all workers have observed.
        mailboxes: Through which workers pass each other corrections.
        clock: Returns seconds of a clock that all workers share.
        shadow: Whether rules on trial are not applied.
    """

    def __init__(
        self,
        activities: SharedEntries,
        mailboxes: CorrectionMailboxes,
        clock: Callable[[], float],
        *,
        shadow: bool,
    ) -> None:
        self._activities = activities
        self._mailboxes = mailboxes
        self._clock = clock
        self._shadow = shadow

    def observe_trap(self, token: bytes, network: bytes) -> None:
        """Note that a client has followed the trap link: its next clicks are a scanner's."""
        self._add(token + network, scanner_rules.add_trap)

    def observe_head(self, token: bytes, network: bytes, link: int) -> None:
        """Note a HEAD request: a GET of the same link soon after is a scanner's."""
        self._add(
            token + network, lambda activity, now: scanner_rules.add_head(activity, now, link)
        )

    def _add(self, key: bytes, add: Callable[[Activity, float], None]) -> None:
        now = self._clock()

        def change(_: float, value: bytes | None) -> bytes:
            activity = Activity() if value is None else Activity.unpack(value)
            add(activity, now)
            return activity.pack()

        self._activities.update(key, now, change)

    def observe(self, token: bytes, network: bytes, link: int, serial: int) -> Observation:
        """Add an event, and return whether it is a scanner's.

        Args:
            token: The token of the event.
            network: The network that the request came from.
            link: The number of the link, 0 for an open.
            serial: The serial number of the event in the worker's spool file.
        """
        now = self._clock()
        reason = trial = None
        corrected: list[RecentEvent] = []

        def change(_: float, value: bytes | None) -> bytes:
            nonlocal reason, trial, corrected
            if value is None:
                return pack_first((now, self._mailboxes.worker, serial), link)
            activity = Activity.unpack(value)
            recent = [each for each in activity.events if now - each[0] <= _CORRECTION_SECONDS]
            if link:
                scanner_rules.add_click(activity, now, link)
            reason = scanner_rules.scanner_rule(activity, now)
            if reason is None:
                trial = scanner_rules.trial_rule(activity, now)
            if reason or (trial and not self._shadow):
                corrected, activity.events = recent, []
            else:
                activity.events = [*recent, (now, self._mailboxes.worker, serial)]
            return activity.pack()

        self._activities.update(token + network, now, change)
        if reason is None and trial is None:
            return _NOTHING
        if self._shadow:
            return Observation(reason, trial, self._correct(corrected))
        return Observation(reason or trial, None, self._correct(corrected))

    def receive_corrections(self) -> list[int]:
        """Return the serial numbers of events that other workers have found to be a scanner's.

        Call this every tenth of a second. It also forgets old activities.
        """
        self._activities.forget(self._clock())
        return self._mailboxes.receive()

    def _correct(self, events: list[RecentEvent]) -> list[int]:
        by_worker = defaultdict(list)
        for time, worker, serial in events:
            by_worker[worker].append((time, serial))
        own = by_worker.pop(self._mailboxes.worker, [])
        for worker, others in by_worker.items():
            self._mailboxes.send(worker, others)
        return [serial for _, serial in own]
