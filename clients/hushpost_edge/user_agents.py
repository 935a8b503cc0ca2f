"""Decides from a user agent what sent a request: a program, an image proxy, or a reader.

Programs are found with one expression of RE2, whose time does not grow with the number of
patterns: the list crawler-user-agents, and the words that programs have in common. Clients
that send another user agent with each request therefore cost little. `make corpus` measures
how often it is right.
"""

from collections.abc import Iterable
from typing import Protocol

import re2
from crawleruseragents import CRAWLER_USER_AGENTS_DATA

__all__ = [
    "is_current_browser",
    "is_image_proxy",
    "is_mail_program",
    "is_program",
    "is_reader",
]

_MAX_BYTES = 16 << 20
"""Memory for the states of an expression; RE2 starts afresh when it is used up."""

_NOT_ONLY_PROGRAMS = frozenset(
    (
        r"008\/",  # ends version numbers
        r"AP3A\.240617\.008",  # a build of Android 15
        "Butterfly",  # a phone by HTC
        "Fever",  # a phone by Wiko
        r"Notion\/",  # a program for notes and mail
        "Sogou",  # also a browser and an input method
        "Sonic",  # ViewSonic
        "coccoc",  # also a browser
    )
)
"""Patterns of the list that also match user agents of people's devices."""

_PROGRAM_WORDS = (
    # "bot" as a word or the end of one, but not the phones "Cubot X30" and "VR BOT 552".
    r"^bot",
    r"(?:[^u ]|[^c]u)bots?(?:[^a-z]|$)",
    r"\b(?:google|search|seo|the|web) bot(?:[^a-z]|$)",
    r"crawl",
    r"spider(?: ?[^ 0-9]|$)",
    # An address to write to.
    r"https?:[/%]",
    r"\bwww\.",
    r"@[a-z0-9-]+\.[a-z]",
    r"\+[a-z0-9-]+\.[a-z]",
    # What follows is not Internet Explorer, Outlook ("ms-office"), Lotus Notes or Konqueror.
    r"compatible; *(?:[^klm ]|k[^o]|l[^o]|m[^s]|ms[^ip-])",
    # What programs do.
    r"analy[sz]er|archiver|check(?:er|ing)|favicon|fetch(?:er|ing|\b)|harvest|indexer|monitor",
    r"page ?speed|preview|probe|scan(?:ner|ning)|scrap(?:e|ing|y)|site ?(?:check|map|search)",
    r"screenshot|slurp|snapshot|survey|thumb(?:nail|shot|/)|uptime|validator|web-?(?:capture|thumb)",
    r"\bfeed|\b(?:rss|seo)(?:[^a-z]|$)",
    # Browsers without a window, and libraries.
    r"headless|lighthouse|phantomjs|playwright|puppeteer|selenium|wkhtml",
    r"-agent|\bagent/|^axios|^curl|^go-http|http[ -]?client|^java/|libwww-perl|^node|okhttp|^perl|^php",
    r"^python|^ruby|urllib|^wget",
)

_IMAGE_PROXIES = (
    "FastmailUA/",
    "GoogleImageProxy",
    r"mail\.ukr\.net proxy",
    r"RamblerMail/\S+ \(.*ImageProxy",
    "SeznamEmailProxy/",
    "YahooMailProxy",
)
"""They fetch an image when a person opens the message."""

_BROWSERS = (
    r"^(?i:mozilla)|^(?:Android \d|Dalvik/|OPR/|Opera|UCWEB/|iP(?:ad|hone))",
    r"^(?:Dillo|ELinks|Emacs-|HotJava|Links|Lynx|NetSurf|w3m)",
    r"AppleWebKit/|Browser|CFNetwork/|Safari/",
    # Phones that had their own browsers.
    r"^(?:BlackBerry|DoCoMo/|LG-|Nokia|SAMSUNG-|SonyEricsson)|MAUI|Profile/MIDP-",
)

_MAIL_PROGRAMS = (
    r"(?i:^[a-z0-9%._ -]*(?:mail|outlook))",  # also "Yahoo%20Mail/…" and "MacOutlook/…"
    "^(?:Barca|Edison|Evolution|K-9|Lotus-Notes|Microsoft Office|Postbox|Spark|Superhuman)",
    "^(?:The Bat!|Thunderbird|eMClient)",
)

_CURRENT_BROWSERS = (
    # Chrome, Edge and Opera, but no WebView ("Version/4.0 Chrome/…"), Electron or QtWebEngine.
    r"Gecko\) Chrome/(?:[89]\d|\d{3})\.[\d.]+ (?:Mobile )?Safari/[\d.]+(?: (?:EdgA?|OPR)/[\d.]+)?$",
    r" Gecko/[\d.]+ Firefox/(?:9\d|\d{3})\.\d+$",
    # Safari, but no other browser on iOS.
    r" Version/(?:1[7-9]|[2-9]\d)\.[\d.]+ (?:Mobile/\w+ )?Safari/[\d.]+$",
)
"""Since these versions they send Sec-Fetch-Mode over https: Chrome 80, Firefox 90, Safari 16.4."""


_OFFICE = "ms-office|MSOffice|Microsoft (?:Office|Outlook|Word|Excel|PowerPoint)"
"""Also programs that show documents: they ask with HEAD before they open a link in the browser."""


class _Expression(Protocol):
    def search(self, text: bytes) -> object | None: ...


def _compile(patterns: Iterable[str]) -> _Expression:
    options = re2.Options()
    options.encoding = re2.Options.Encoding.LATIN1
    options.log_errors = False
    options.max_mem = _MAX_BYTES
    options.never_capture = True
    expression: _Expression = re2.compile("|".join(patterns).encode("latin-1"), options)
    return expression


def _crawler_patterns() -> list[str]:
    patterns = (crawler["pattern"] for crawler in CRAWLER_USER_AGENTS_DATA)
    return [pattern for pattern in patterns if pattern not in _NOT_ONLY_PROGRAMS]


_programs = _compile([*_crawler_patterns(), f"(?i:{'|'.join(_PROGRAM_WORDS)})"])
_image_proxies = _compile(_IMAGE_PROXIES)
_mail_programs = _compile((*_MAIL_PROGRAMS, _OFFICE))
_readers = _compile((*_BROWSERS, *_MAIL_PROGRAMS))
_current_browsers = _compile(_CURRENT_BROWSERS)


def is_program(user_agent: bytes) -> bool:
    """Return whether it is of a crawler, a scanner or a tool."""
    return _programs.search(user_agent) is not None


def is_image_proxy(user_agent: bytes) -> bool:
    """Return whether it is of the image proxy of a mailbox provider."""
    return _image_proxies.search(user_agent) is not None


def is_reader(user_agent: bytes) -> bool:
    """Return whether it is of a mail program or a browser, which people read mail with."""
    return _readers.search(user_agent) is not None


def is_current_browser(user_agent: bytes) -> bool:
    """Return whether it is of Chrome, Edge, Opera, Firefox or Safari, of the last years."""
    return _current_browsers.search(user_agent) is not None


def is_mail_program(user_agent: bytes) -> bool:
    """Return whether it is of a mail program or an office program, not of a browser."""
    return _mail_programs.search(user_agent) is not None
