"""Classifies events: decides from the request whether a human or a machine caused it.

Apple's Mail Privacy Protection sends a bare `Mozilla/5.0` as its user agent. Gmail's prefetch
sends that of Edge 12 with a second `Mozilla/5.0` at its end.
"""

from functools import lru_cache
from typing import NamedTuple, Self

from hushpost_client import Verdict
from hushpost_edge.event_ranges import EventRanges, Match, Scope
from hushpost_edge.event_reasons import Reason
from hushpost_edge.header_faults import header_fault
from hushpost_edge.request_info import RequestInfo
from hushpost_edge.settings import Settings
from hushpost_edge.user_agents import is_current_browser, is_image_proxy, is_program, is_reader

__all__ = ["Classification", "Classifier"]

_BARE_MOZILLA = b"Mozilla/5.0"
_GMAIL_PREFETCH = b"Edge/12.246 Mozilla/5.0"
_MAX_USER_AGENT_BYTES = 512
"""The rest of a longer user agent is ignored, because matching time grows with its length."""


class Classification(NamedTuple):
    """A verdict, and the rule that decided it.

    Attributes:
        verdict: The verdict.
        reason: The rule.
        trial: The rule on trial that would have made it UNKNOWN, if those were applied.
    """

    verdict: Verdict
    reason: Reason
    trial: Reason | None = None


class Classifier:
    """Classifies events.

    Checks, in this order: the addresses of scanners; the prefetch header; the addresses of
    prefetchers and image proxies; the user agent; the headers of a browser. With `shadow`, rules on
    trial are not applied.
    """

    def __init__(
        self,
        *,
        proxies: EventRanges,
        prefetchers: EventRanges,
        scanners: EventRanges,
        shadow: bool = False,
    ) -> None:
        self._proxies = proxies
        self._prefetchers = prefetchers
        self._scanners = scanners
        self._shadow = shadow

    @classmethod
    def from_settings(cls, settings: Settings) -> Self:
        """Load the files of address ranges. Raises AddressRangesError, OSError."""
        return cls(
            proxies=EventRanges.load(settings.proxy_ranges, Scope.OPENS),
            prefetchers=EventRanges.load(settings.prefetch_ranges, Scope.OPENS),
            scanners=EventRanges.load(settings.scanner_ranges, Scope.BOTH),
            shadow=settings.verdicts == "shadow",
        )

    def classify(self, link: int, info: RequestInfo) -> Classification:  # noqa: PLR0911 - a list
        """Return the verdict of an open (link 0) or a click."""
        scanner = self._scanners.match(link, info.address)
        if scanner is Match.SURE:
            return Classification(Verdict.SCANNER, Reason.ADDRESS)
        if info.is_prefetch:
            return Classification(Verdict.PREFETCH, Reason.PREFETCH_HEADER)
        prefetcher = self._prefetchers.match(link, info.address)
        if prefetcher is Match.SURE:
            return Classification(Verdict.PREFETCH, Reason.ADDRESS)
        proxy = self._proxies.match(link, info.address)
        if proxy is Match.SURE:
            # Image proxies load images when people read, but people do not click through them.
            return Classification(Verdict.SCANNER if link else Verdict.PROXY, Reason.ADDRESS)
        user_agent = info.user_agent[:_MAX_USER_AGENT_BYTES]
        found = _classify_click(user_agent) if link else _classify_open(user_agent)
        if found.verdict is not Verdict.HUMAN:
            return found
        if not (scanner is prefetcher is proxy is Match.NONE):
            return Classification(Verdict.UNKNOWN, Reason.ADDRESS)
        return self._check_headers(found, link, info)

    def _check_headers(self, found: Classification, link: int, info: RequestInfo) -> Classification:
        is_browser = _is_current_browser(info.user_agent[:_MAX_USER_AGENT_BYTES])
        fault = header_fault(link, info, is_browser=is_browser)
        if fault is None:
            return found
        if self._shadow:
            return found._replace(trial=fault)
        return Classification(Verdict.UNKNOWN, fault)


_is_current_browser = lru_cache(4096)(is_current_browser)


@lru_cache(4096)
def _classify_open(user_agent: bytes) -> Classification:
    if user_agent == _BARE_MOZILLA or user_agent.endswith(_GMAIL_PREFETCH):
        return Classification(Verdict.PREFETCH, Reason.PREFETCHER)
    if is_image_proxy(user_agent):
        return Classification(Verdict.PROXY, Reason.IMAGE_PROXY)
    if is_program(user_agent):
        return Classification(Verdict.SCANNER, Reason.PROGRAM)
    if is_reader(user_agent):
        return Classification(Verdict.HUMAN, Reason.READER)
    return Classification(Verdict.UNKNOWN, Reason.UNKNOWN_AGENT)


@lru_cache(4096)
def _classify_click(user_agent: bytes) -> Classification:
    # Browsers send more than this; scanners often do not.
    if user_agent == _BARE_MOZILLA:
        return Classification(Verdict.SCANNER, Reason.PREFETCHER)
    if is_image_proxy(user_agent):
        return Classification(Verdict.SCANNER, Reason.IMAGE_PROXY)
    if is_program(user_agent):
        return Classification(Verdict.SCANNER, Reason.PROGRAM)
    # People follow links with browsers and mail programs, whose user agents are known.
    if is_reader(user_agent):
        return Classification(Verdict.HUMAN, Reason.READER)
    return Classification(Verdict.SCANNER, Reason.UNKNOWN_AGENT)
