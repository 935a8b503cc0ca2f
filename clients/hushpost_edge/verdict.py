"""Who caused an event, by what its request shows. Pure but for reading range files.

Sources: the user agents of image proxies as Google and Yahoo document them;
Apple's Mail Privacy Protection fetches as a bare `Mozilla/5.0`; Gmail fetches
ahead of reading as an Edge 12 with a second `Mozilla/5.0` at its end. Crawlers
and tools are those of the list crawler-user-agents.
"""

from functools import lru_cache
from typing import Self

from crawleruseragents import is_crawler

from hushpost_client import Verdict
from hushpost_edge.evidence import Evidence
from hushpost_edge.ranges import AddressRanges
from hushpost_edge.settings import Settings

__all__ = ["Judge"]

_APPLE_PREFETCH = b"Mozilla/5.0"
_GMAIL_PREFETCH = b"Edge/12.246 Mozilla/5.0"
_IMAGE_PROXIES = (b"GoogleImageProxy", b"YahooMailProxy")
# What browsers and mail programs call themselves.
_READERS = (b"Mozilla/", b"Microsoft Office/", b"Outlook-", b"Opera/")
_AGENT_BYTES = 512
"""More of a user agent is not looked at: matching takes longer the longer it is."""


class Judge:
    """Judges by trap link, headers, address ranges and user agent, in this order."""

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
        # Compiles the list's patterns now, rather than while a reader waits.
        is_crawler("")

    @classmethod
    def from_files(cls, settings: Settings) -> Self:
        """Read the range files. Raises RangesError, OSError."""
        return cls(
            proxies=AddressRanges.load(settings.proxy_ranges),
            prefetchers=AddressRanges.load(settings.prefetch_ranges),
            scanners=AddressRanges.load(settings.scanner_ranges),
            trap_link=settings.trap_link,
        )

    def verdict(self, link: int, evidence: Evidence) -> Verdict:
        """Judge an open (link 0) or a click."""
        address = evidence.address
        if (link and link == self._trap_link) or address in self._scanners:
            return Verdict.SCANNER
        if evidence.is_prefetch:
            return Verdict.PREFETCH
        if link:
            # Ranges that fetch images are also those of people who browse
            # through a relay: of a click they say nothing.
            return _of_click(evidence.agent[:_AGENT_BYTES])
        if address in self._prefetchers:
            return Verdict.PREFETCH
        if address in self._proxies:
            return Verdict.PROXY
        return _of_open(evidence.agent[:_AGENT_BYTES])


@lru_cache(4096)
def _of_open(agent: bytes) -> Verdict:
    if any(proxy in agent for proxy in _IMAGE_PROXIES):
        return Verdict.PROXY
    if agent == _APPLE_PREFETCH or agent.endswith(_GMAIL_PREFETCH):
        return Verdict.PREFETCH
    return _of_agent(agent)


@lru_cache(4096)
def _of_click(agent: bytes) -> Verdict:
    # A browser always says more than this; scanners often do not.
    if agent in {b"", _APPLE_PREFETCH}:
        return Verdict.SCANNER
    return _of_agent(agent)


def _of_agent(agent: bytes) -> Verdict:
    if is_crawler(agent.decode("latin-1")):
        return Verdict.SCANNER
    return Verdict.HUMAN if agent.startswith(_READERS) else Verdict.UNKNOWN
