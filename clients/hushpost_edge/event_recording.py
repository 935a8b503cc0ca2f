"""Turns requests into events: classifies them and appends them to the spool.

The address and the user agent are used to decide the verdict and to detect repeats. They are
not stored.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from hushpost_client import Verdict
from hushpost_edge import metrics
from hushpost_edge.appender import Appender
from hushpost_edge.burst_detection import BurstDetector
from hushpost_edge.classifier import Classifier
from hushpost_edge.repeat_detection import RepeatDetector
from hushpost_edge.request_info import read_request_info
from hushpost_edge.spooled_event import SpooledEvent
from hushpost_edge.token_header import CAMPAIGN
from hushpost_edge.user_agents import is_mail_program
from hushpost_runtime.address_ranges import AddressRanges
from hushpost_runtime.networks import network_of

__all__ = ["EventRecorder"]

_AUTOMATED = frozenset((Verdict.SCANNER, Verdict.PREFETCH))

_ONE_CLIENT = frozenset((Verdict.HUMAN, Verdict.UNKNOWN))
"""Verdicts of events whose address belongs to few people. Image proxies, prefetchers and
scanners have the same address and user agent for many readers, so their events are never
repeats."""


_RECEIVE_SECONDS = 0.1
"""How often workers read the corrections of others, which must be on disk within half a second."""


class EventRecorder:
    """Records the events of one worker. `clock` returns microseconds since 1970."""

    def __init__(
        self,
        appender: Appender,
        classifier: Classifier,
        bursts: BurstDetector,
        repeats: RepeatDetector,
        trusted_proxies: AddressRanges,
        clock: Callable[[], int],
    ) -> None:
        self._appender = appender
        self._classifier = classifier
        self._bursts = bursts
        self._repeats = repeats
        self._trusted_proxies = trusted_proxies
        self._clock = clock

    async def record(self, token: bytes, link: int, scope: Mapping[str, Any]) -> None:
        """Record an open (link 0) or a click.

        Returns when the event is on disk, or has been dropped and counted as such.
        """
        info = read_request_info(scope, self._trusted_proxies)
        verdict, reason, trial = self._classifier.classify(link, info)
        corrections: Sequence[int] = ()
        if verdict not in _AUTOMATED:
            network = network_of(info.address)
            serial = self._appender.next_serial
            observed = self._bursts.observe(token, network, link, serial)
            if observed.reason is not None:
                verdict, reason = Verdict.SCANNER, observed.reason
                corrections = observed.corrections
            elif observed.trial is not None:
                metrics.count_trial(Verdict.SCANNER, observed.trial)
            elif trial is not None:
                metrics.count_trial(Verdict.UNKNOWN, trial)
        repeated = verdict in _ONE_CLIENT and self._repeats.observe(
            token[CAMPAIGN], link, info.address, info.user_agent
        )
        event = SpooledEvent(token, link, self._clock(), verdict, info.privacy_signal, repeated)
        done = self._appender.append(event, reason, corrections)
        if done is not None:
            await done

    def observe_trap(self, token: bytes, scope: Mapping[str, Any]) -> None:
        """Note a request for the trap link: the next clicks of its client are a scanner's."""
        info = read_request_info(scope, self._trusted_proxies)
        # A browser that prefetches all links of a page has a person in front of it.
        if not info.is_prefetch:
            self._bursts.observe_trap(token, network_of(info.address))

    def observe_head(self, token: bytes, link: int, scope: Mapping[str, Any]) -> None:
        """Note a HEAD request for a link: browsers do not make one before they follow it."""
        info = read_request_info(scope, self._trusted_proxies)
        if not info.is_prefetch and not is_mail_program(info.user_agent):
            self._bursts.observe_head(token, network_of(info.address), link)

    async def receive_corrections_forever(self) -> None:
        """Correct events that other workers have found to be a scanner's, until cancelled."""
        while True:
            await asyncio.sleep(_RECEIVE_SECONDS)
            self._repeats.forget_old()
            if serials := self._bursts.receive_corrections():
                self._appender.correct(serials)
