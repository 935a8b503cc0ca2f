"""Classifies events: decides from the request whether a human or a machine caused it.

User agents: Google and Yahoo document those of their image proxies. Apple's Mail Privacy
Protection sends a bare `Mozilla/5.0`. Gmail's prefetch sends the user agent of Edge 12
with a second `Mozilla/5.0` at its end. Crawlers and tools are in the list
crawler-user-agents.
"""

from functools import lru_cache
from typing import Self

from crawleruseragents import is_crawler

from hushpost_client import Verdict
from hushpost_edge.request_info import RequestInfo
from hushpost_edge.settings import Settings
from hushpost_runtime.address_ranges import AddressRanges

__all__ = ["Classifier"]

_BARE_MOZILLA = b"Mozilla/5.0"
_GMAIL_PREFETCH = b"Edge/12.246 Mozilla/5.0"
# Image proxies fetch an image when a person opens the mail.
_IMAGE_PROXIES = (b"GoogleImageProxy", b"YahooMailProxy")
# How user agents of browsers and mail programs begin.
_READERS = (b"Mozilla/", b"Microsoft Office/", b"Outlook-", b"Opera/")
_MAX_USER_AGENT_BYTES = 512
"""The rest of a longer user agent is ignored, because matching time grows with its length."""


class Classifier:
    """Classifies events.

    Checks, in this order: the trap link (invisible to people, so only scanners follow it)
    and the addresses of scanners; the prefetch header; for opens, the addresses of
    prefetchers and image proxies; the user agent.
    """

    def __init__(
        self,
        *,
        proxies: AddressRanges,
        prefetchers: AddressRanges,
        scanners: AddressRanges,
        trap_link: int | None,
    ) -> None:
        self._proxies = proxies
        self._prefetchers = prefetchers
        self._scanners = scanners
        self._trap_link = trap_link
        # The first call compiles the list's patterns.
        is_crawler("")

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Load the files of address ranges. Raises AddressRangesError, OSError."""
        return cls(
            proxies=AddressRanges.load(settings.proxy_ranges),
            prefetchers=AddressRanges.load(settings.prefetch_ranges),
            scanners=AddressRanges.load(settings.scanner_ranges),
            trap_link=settings.trap_link,
        )

    def classify(self, link: int, info: RequestInfo) -> Verdict:
        """Return the verdict of an open (link 0) or a click."""
        address = info.address
        if (link and link == self._trap_link) or address in self._scanners:
            return Verdict.SCANNER
        if info.is_prefetch:
            return Verdict.PREFETCH
        if link:
            # Readers who browse through a relay click from the same ranges that fetch
            # images, so the ranges of image proxies do not apply to clicks.
            return _classify_click(info.user_agent[:_MAX_USER_AGENT_BYTES])
        if address in self._prefetchers:
            return Verdict.PREFETCH
        if address in self._proxies:
            return Verdict.PROXY
        return _classify_open(info.user_agent[:_MAX_USER_AGENT_BYTES])


@lru_cache(4096)
def _classify_open(user_agent: bytes) -> Verdict:
    if any(proxy in user_agent for proxy in _IMAGE_PROXIES):
        return Verdict.PROXY
    if user_agent == _BARE_MOZILLA or user_agent.endswith(_GMAIL_PREFETCH):
        return Verdict.PREFETCH
    return _classify_user_agent(user_agent)


@lru_cache(4096)
def _classify_click(user_agent: bytes) -> Verdict:
    # Browsers send more than this; scanners often do not.
    if user_agent in {b"", _BARE_MOZILLA}:
        return Verdict.SCANNER
    return _classify_user_agent(user_agent)


def _classify_user_agent(user_agent: bytes) -> Verdict:
    if is_crawler(user_agent.decode("latin-1")):
        return Verdict.SCANNER
    return Verdict.HUMAN if user_agent.startswith(_READERS) else Verdict.UNKNOWN
