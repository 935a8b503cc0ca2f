"""Who asks an edge for pixels and links, and what the edge must take each for. Pure.

The verdicts are those of the table in `docs/reference/verdicts.md`.
"""

from dataclasses import dataclass, field

from hushpost_client import Verdict

__all__ = [
    "APPLE",
    "BROWSER_AHEAD",
    "CRAWLER",
    "GATEWAY",
    "GMAIL",
    "GMAIL_AHEAD",
    "PEOPLE",
    "SANDBOX",
    "SMALL_PROGRAM",
    "Visitor",
]

_CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)
_LANGUAGE = {"Accept-Language": "de-DE,de;q=0.9,en;q=0.8"}


@dataclass(frozen=True, slots=True)
class Visitor:
    """A browser, a mail program or a machine.

    Attributes:
        name: For people.
        agent: Its user agent.
        address: Where it comes from; empty: from the recipient's own network.
        opens: The verdict of an open.
        clicks: The verdict of a click.
        headers: More that it sends.
    """

    name: str
    agent: str
    address: str = ""
    opens: Verdict = Verdict.HUMAN
    clicks: Verdict = Verdict.HUMAN
    headers: dict[str, str] = field(default_factory=dict)


PEOPLE = tuple(
    Visitor("people", agent, headers=_LANGUAGE)
    for agent in (
        _CHROME,
        "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Thunderbird/128.3.0",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)",
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) Mobile/15E148",
        "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17726; Pro)",
    )
)
GMAIL = Visitor(
    "Gmail's image proxy",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)",
    "192.0.2.66",
    opens=Verdict.PROXY,
    clicks=Verdict.SCANNER,
)
GMAIL_AHEAD = Visitor(
    "Gmail, fetching ahead",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0",
    "192.0.2.67",
    opens=Verdict.PREFETCH,
)
APPLE = Visitor(
    "Apple's mail privacy",
    "Mozilla/5.0",
    "192.0.2.130",
    opens=Verdict.PREFETCH,
    clicks=Verdict.SCANNER,
)
BROWSER_AHEAD = Visitor(
    "browsers, fetching ahead",
    _CHROME,
    opens=Verdict.PREFETCH,
    clicks=Verdict.PREFETCH,
    headers={"Sec-Purpose": "prefetch;prerender", **_LANGUAGE},
)
SMALL_PROGRAM = Visitor(
    "unknown programs", "Briefkasten/2.1", opens=Verdict.UNKNOWN, clicks=Verdict.SCANNER
)
CRAWLER = Visitor(
    "crawlers",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)",
    "203.0.113.77",
    opens=Verdict.SCANNER,
    clicks=Verdict.SCANNER,
)
# Looks like a browser in all it sends: its network is in gateways.txt.
GATEWAY = Visitor(
    "mail gateways",
    _CHROME,
    "198.51.100.25",
    opens=Verdict.SCANNER,
    clicks=Verdict.SCANNER,
    headers=_LANGUAGE,
)
# Nothing tells it from a browser but its haste: it clicks several links at once.
SANDBOX = Visitor(
    "hasty sandboxes",
    _CHROME,
    "203.0.113.9",
    opens=Verdict.SCANNER,
    clicks=Verdict.SCANNER,
    headers=_LANGUAGE,
)
