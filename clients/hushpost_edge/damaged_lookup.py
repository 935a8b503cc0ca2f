"""Finds the campaign of a link whose token is damaged, without a way to guess campaigns.

A header without its case and with one wrong character has about 25 of the 40 random bits of a
campaign number. Someone who knows a tenant's tokens could find other campaigns of it by trying,
so the tries of a network are limited. Links with an undamaged header are not.
"""

import sqlite3
from collections import Counter
from collections.abc import Callable, Mapping
from typing import Any

from hushpost_edge import metrics
from hushpost_edge.link_store import LinkStore
from hushpost_edge.request_info import read_request_info
from hushpost_runtime.address_ranges import AddressRanges
from hushpost_runtime.networks import network_of

__all__ = ["DamagedLookup"]

_MAX_TRIES = 120
_SECONDS = 60.0
_MAX_NETWORKS = 50_000
"""Further networks find no damaged links until the minute is over."""


class DamagedLookup:
    """Looks up the campaigns of damaged tokens for one worker.

    Args:
        store: The local copy of the links. The authority is not asked.
        trusted_proxies: Proxies whose `X-Forwarded-For` names the client.
        clock: Returns seconds of a steady clock.
    """

    def __init__(
        self, store: LinkStore, trusted_proxies: AddressRanges, clock: Callable[[], float]
    ) -> None:
        self._store = store
        self._trusted_proxies = trusted_proxies
        self._clock = clock
        self._tries: Counter[bytes] = Counter()
        self._minute_start = clock()

    def find_campaign(self, header: str, scope: Mapping[str, Any]) -> int | None:
        """Return the only campaign that a damaged header fits; None if there is none.

        Args:
            header: See `damaged_link.fold`.
            scope: The request, whose network may try a limited number of headers.
        """
        now = self._clock()
        if now - self._minute_start >= _SECONDS:
            self._tries.clear()
            self._minute_start = now
        network = network_of(read_request_info(scope, self._trusted_proxies).address)
        if self._tries[network] >= _MAX_TRIES or len(self._tries) >= _MAX_NETWORKS:
            metrics.REQUESTS_WITHOUT_EVENT.labels("damaged_limited").inc()
            return None
        self._tries[network] += 1
        try:
            return self._store.find_campaign(header)
        except sqlite3.Error:
            # As for undamaged links: the authority may still know the link.
            return None
