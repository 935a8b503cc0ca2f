"""Classifies events: decides from the request whether a human or a machine caused it.

Apple's Mail Privacy Protection sends a bare `Mozilla/5.0` as its user agent. Gmail's prefetch
sends that of Edge 12 with a second `Mozilla/5.0` at its end.
"""

from functools import lru_cache
from typing import Self

from hushpost_client import Verdict
from hushpost_edge.event_ranges import EventRanges, Match, Scope
from hushpost_edge.header_faults import header_fault
from hushpost_edge.request_info import RequestInfo
from hushpost_edge.settings import Settings
from hushpost_edge.user_agents import is_current_browser, is_image_proxy, is_program, is_reader

__all__ = ["Classifier"]

_BARE_MOZILLA = b"Mozilla/5.0"
_GMAIL_PREFETCH = b"Edge/12.246 Mozilla/5.0"
_MAX_USER_AGENT_BYTES = 512
"""The rest of a longer user agent is ignored, because matching time grows with its length."""


class Classifier:
    """Classifies events.

    Checks, in this order: the addresses of scanners; the prefetch header; the addresses of prefetchers and image
    proxies; the user agent.
    """

    def __init__(
        self,
        *,
        proxies: EventRanges,
        prefetchers: EventRanges,
        scanners: EventRanges,
    ) -> None:
        self._proxies = proxies
        self._prefetchers = prefetchers
        self._scanners = scanners

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Load the files of address ranges. Raises AddressRangesError, OSError."""
        return cls(
            proxies=EventRanges.load(settings.proxy_ranges, Scope.OPENS),
            prefetchers=EventRanges.load(settings.prefetch_ranges, Scope.OPENS),
            scanners=EventRanges.load(settings.scanner_ranges, Scope.BOTH),
        )

    def classify(self, link: int, info: RequestInfo) -> Verdict:
        """Return the verdict of an open (link 0) or a click."""
        scanner = self._scanners.match(link, info.address)
        if scanner is Match.SURE:
            return Verdict.SCANNER
        if info.is_prefetch:
            return Verdict.PREFETCH
        prefetcher = self._prefetchers.match(link, info.address)
        if prefetcher is Match.SURE:
            return Verdict.PREFETCH
        proxy = self._proxies.match(link, info.address)
        if proxy is Match.SURE:
            # Image proxies load images when people read, but people do not click through them.
            return Verdict.SCANNER if link else Verdict.PROXY
        user_agent = info.user_agent[:_MAX_USER_AGENT_BYTES]
        verdict = _classify_click(user_agent) if link else _classify_open(user_agent)
        if verdict is Verdict.HUMAN and (
            not (scanner is prefetcher is proxy is Match.NONE)
            or header_fault(link, info, is_browser=_is_current_browser(user_agent))
        ):
            return Verdict.UNKNOWN
        return verdict


_is_current_browser = lru_cache(4096)(is_current_browser)


@lru_cache(4096)
def _classify_open(user_agent: bytes) -> Verdict:
    if user_agent == _BARE_MOZILLA or user_agent.endswith(_GMAIL_PREFETCH):
        return Verdict.PREFETCH
    if is_image_proxy(user_agent):
        return Verdict.PROXY
    if is_program(user_agent):
        return Verdict.SCANNER
    return Verdict.HUMAN if is_reader(user_agent) else Verdict.UNKNOWN


@lru_cache(4096)
def _classify_click(user_agent: bytes) -> Verdict:
    # Browsers send more than this; scanners often do not.
    if user_agent in {b"", _BARE_MOZILLA} or is_image_proxy(user_agent) or is_program(user_agent):
        return Verdict.SCANNER
    # People follow links with browsers and mail programs, whose user agents are known.
    return Verdict.HUMAN if is_reader(user_agent) else Verdict.SCANNER
