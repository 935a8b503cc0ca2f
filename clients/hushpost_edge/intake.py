"""Takes opens and clicks in: judges them, forgets who it was, appends them."""

import time
from collections.abc import Callable, Mapping
from typing import Any

from hushpost_client import Verdict
from hushpost_edge.appender import Appender
from hushpost_edge.burst import Bursts
from hushpost_edge.evidence import gather, network_of
from hushpost_edge.ranges import AddressRanges
from hushpost_edge.record import SpooledEvent
from hushpost_edge.verdict import Judge

__all__ = ["Intake"]

_MACHINES = frozenset((Verdict.SCANNER, Verdict.PREFETCH))


class Intake:
    """What a worker records. `clock` answers microseconds since 1970."""

    def __init__(
        self,
        appender: Appender,
        judge: Judge,
        proxies: AddressRanges,
        clock: Callable[[], int],
    ) -> None:
        self._appender = appender
        self._judge = judge
        self._proxies = proxies
        self._clock = clock
        self._bursts = Bursts(time.monotonic)

    async def take(self, token: bytes, link: int, scope: Mapping[str, Any]) -> None:
        """Return once an open (link 0) or click is on disk, or has been refused and counted."""
        evidence = gather(scope, self._proxies)
        verdict = self._judge.verdict(link, evidence)
        corrections = None
        if verdict not in _MACHINES:
            network = network_of(evidence.address)
            serial = self._appender.next_serial
            corrections = self._bursts.observe(token, network, link, serial)
            if corrections is not None:
                verdict = Verdict.SCANNER
        event = SpooledEvent(token, link, self._clock(), verdict, evidence.privacy_signal)
        spooled = self._appender.append(event, corrections)
        if spooled is not None:
            await spooled
