"""Classifying events by their request."""

from pathlib import Path

import pytest

from hushpost_client import Verdict
from hushpost_edge.classifier import Classifier
from hushpost_edge.event_ranges import EventRanges, Match, Scope
from hushpost_edge.request_info import RequestInfo, read_request_info
from hushpost_runtime.address_ranges import AddressRanges, AddressRangesError
from hushpost_runtime.networks import network_of

CHROME = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/126.0.0.0 Safari/537.36"
APPLE_MAIL = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko)"
)
GOOGLE = "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)"
GMAIL_PREFETCH = "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/42.0.2311.135 Safari/537.36 Edge/12.246 Mozilla/5.0"
YAHOO = "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html"
OUTLOOK = "Microsoft Office/16.0 (Windows NT 10.0; Microsoft Outlook 16.0.17726; Pro)"
HEADLESS = CHROME.replace("Chrome/", "HeadlessChrome/")

READER, RELAY, PROXY, GATEWAY = "203.0.113.9", "172.224.226.1", "66.249.84.1", "198.51.100.3"

CLASSIFIER = Classifier(
    prefetchers=EventRanges(["172.224.226.0/24"]),
    proxies=EventRanges(["66.249.84.0/24"]),
    scanners=EventRanges(["198.51.100.0/24"], Scope.BOTH),
)


def request_info(agent: str, address: str = READER, *, is_prefetch: bool = False) -> RequestInfo:
    """Create the input of the classifier."""
    return RequestInfo(
        agent.encode(),
        address,
        is_prefetch,
        privacy_signal=False,
        has_language=True,
        fetch_mode=b"",
        is_https=False,
    )


@pytest.mark.parametrize(
    ("agent", "opened", "clicked"),
    [
        (CHROME, Verdict.HUMAN, Verdict.HUMAN),
        (APPLE_MAIL, Verdict.HUMAN, Verdict.HUMAN),
        (OUTLOOK, Verdict.HUMAN, Verdict.HUMAN),
        ("SomeMailer/1.0", Verdict.HUMAN, Verdict.HUMAN),
        ("SomeProgram/1.0", Verdict.UNKNOWN, Verdict.SCANNER),
        ("", Verdict.UNKNOWN, Verdict.SCANNER),
        (GOOGLE, Verdict.PROXY, Verdict.SCANNER),
        (YAHOO, Verdict.PROXY, Verdict.SCANNER),
        (GMAIL_PREFETCH, Verdict.PREFETCH, Verdict.HUMAN),
        ("Mozilla/5.0", Verdict.PREFETCH, Verdict.SCANNER),
        (HEADLESS, Verdict.SCANNER, Verdict.SCANNER),
        ("curl/8.5.0", Verdict.SCANNER, Verdict.SCANNER),
        ("python-requests/2.32", Verdict.SCANNER, Verdict.SCANNER),
        ("Go-http-client/1.1", Verdict.SCANNER, Verdict.SCANNER),
        ("Mozilla/5.0 (compatible; bingbot/2.0)", Verdict.SCANNER, Verdict.SCANNER),
        ("Mozilla/5.0 (Contact: admin@example.com) Chrome/126", Verdict.SCANNER, Verdict.SCANNER),
        ("\xff" * 100_000, Verdict.UNKNOWN, Verdict.SCANNER),
    ],
)
def test_user_agents(agent: str, opened: Verdict, clicked: Verdict) -> None:
    """Readers, image proxies, prefetchers and tools are distinguished by user agent."""
    assert CLASSIFIER.classify(0, request_info(agent)).verdict is opened
    assert CLASSIFIER.classify(1, request_info(agent)).verdict is clicked


@pytest.mark.parametrize(
    ("address", "opened", "clicked"),
    [
        (READER, Verdict.HUMAN, Verdict.HUMAN),
        # Readers also browse through the relay that fetches the images of their mail.
        (RELAY, Verdict.PREFETCH, Verdict.HUMAN),
        (PROXY, Verdict.PROXY, Verdict.HUMAN),
        (GATEWAY, Verdict.SCANNER, Verdict.SCANNER),
        ("", Verdict.HUMAN, Verdict.HUMAN),
    ],
)
def test_addresses(address: str, opened: Verdict, clicked: Verdict) -> None:
    """Ranges of proxies and prefetchers apply to opens only; ranges of gateways to all events."""
    assert CLASSIFIER.classify(0, request_info(CHROME, address)).verdict is opened
    assert CLASSIFIER.classify(1, request_info(CHROME, address)).verdict is clicked


@pytest.mark.parametrize(
    ("words", "opened", "clicked"),
    [
        ("", Verdict.SCANNER, Verdict.SCANNER),
        ("both", Verdict.SCANNER, Verdict.SCANNER),
        ("opens", Verdict.SCANNER, Verdict.HUMAN),
        ("clicks", Verdict.HUMAN, Verdict.SCANNER),
        ("clicks unsure # gateway, also people", Verdict.HUMAN, Verdict.UNKNOWN),
        ("unsure", Verdict.UNKNOWN, Verdict.UNKNOWN),
    ],
)
def test_scopes_of_ranges(words: str, opened: Verdict, clicked: Verdict) -> None:
    """Ranges can apply to opens or clicks only, and be unsure."""
    classifier = Classifier(
        prefetchers=EventRanges(),
        proxies=EventRanges(),
        scanners=EventRanges(["", f"{GATEWAY}/24 {words}"], Scope.BOTH),
    )
    assert classifier.classify(0, request_info(CHROME, GATEWAY)).verdict is opened
    assert classifier.classify(1, request_info(CHROME, GATEWAY)).verdict is clicked
    assert classifier.classify(1, request_info(CHROME)).verdict is Verdict.HUMAN
    # Unsure ranges say nothing about programs.
    assert classifier.classify(0, request_info(HEADLESS, GATEWAY)).verdict is Verdict.SCANNER


def test_image_proxies_that_never_click() -> None:
    """A range of a provider can be PROXY for opens and SCANNER for clicks."""
    ranges = EventRanges([f"{PROXY} both"])
    classifier = Classifier(prefetchers=EventRanges(), proxies=ranges, scanners=EventRanges())
    assert classifier.classify(0, request_info(CHROME, PROXY)).verdict is Verdict.PROXY
    assert classifier.classify(1, request_info(CHROME, PROXY)).verdict is Verdict.SCANNER


def test_files_of_ranges_can_have_comments_and_columns(tmp_path: Path) -> None:
    """Comments, empty lines and columns after a comma are ignored."""
    file = tmp_path / "ranges.csv"
    file.write_text("# relay\n172.224.224.0/27,GB,GB-EN,London,\n\n2a02:26f7::/64,AQ,,, # x\n")
    ranges = EventRanges.load(file, Scope.OPENS)
    assert ranges.match(0, "172.224.224.31") is Match.SURE
    assert ranges.match(0, "2a02:26f7::5") is Match.SURE
    assert ranges.match(0, "172.224.224.32") is Match.NONE
    assert ranges.match(1, "172.224.224.31") is Match.NONE


@pytest.mark.parametrize("line", ["192.0.2.0/33", "192.0.2.0/24 often", "opens"])
def test_invalid_lines_of_range_files(line: str, tmp_path: Path) -> None:
    """The error names the file."""
    file = tmp_path / "ranges"
    file.write_text(f"192.0.2.0/24,GB,London # a comment\n{line}\n")
    with pytest.raises(AddressRangesError, match="ranges: '"):
        EventRanges.load(file, Scope.OPENS)


def test_prefetch_headers() -> None:
    """A request with a prefetch header is PREFETCH."""
    assert (
        CLASSIFIER.classify(0, request_info(CHROME, is_prefetch=True)).verdict is Verdict.PREFETCH
    )
    assert (
        CLASSIFIER.classify(3, request_info(CHROME, is_prefetch=True)).verdict is Verdict.PREFETCH
    )


@pytest.mark.parametrize(
    ("name", "value", "is_prefetch", "privacy_signal"),
    [
        ("purpose", "prefetch", True, False),
        ("purpose", "preview", True, False),
        ("x-purpose", "preview", True, False),
        ("sec-purpose", "prefetch;prerender", True, False),
        ("x-moz", "prefetch", True, False),
        ("sec-purpose", "navigate", False, False),
        ("sec-gpc", "1", False, True),
        ("dnt", "1", False, True),
        ("sec-gpc", "0", False, False),
        ("dnt", "null", False, False),
        ("x-prefetch", "prefetch", False, False),
    ],
)
def test_headers(name: str, value: str, *, is_prefetch: bool, privacy_signal: bool) -> None:
    """Prefetching and privacy signals are read from headers."""
    scope = {"headers": [(name.encode(), value.encode())], "client": (READER, 1)}
    info = read_request_info(scope, AddressRanges())
    assert (info.is_prefetch, info.privacy_signal) == (is_prefetch, privacy_signal)


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        (READER, [], READER),
        (READER, ["192.0.2.1"], READER),  # not a trusted proxy
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", [READER], READER),
        ("10.0.0.1", [f"192.0.2.1, {READER}"], READER),  # the first address is forged
        ("10.0.0.1", [f"192.0.2.1, {READER}, 10.0.0.2"], READER),
        ("10.0.0.1", ["192.0.2.1", f"{READER},10.0.0.2"], READER),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", [" 2001:db8::7 "], "2001:db8::7"),
        ("10.0.0.1", ["unknown"], "unknown"),
        ("10.0.0.1", [""], ""),
    ],
)
def test_forwarded_addresses(peer: str, forwarded: list[str], address: str) -> None:
    """X-Forwarded-For is trusted as far as trusted proxies wrote it."""
    headers = [(b"x-forwarded-for", line.encode()) for line in forwarded]
    headers += [(b"host", b"evil.example"), (b"x-forwarded-host", b"evil.example")]
    scope = {"headers": headers, "client": (peer, 1)}
    assert read_request_info(scope, AddressRanges(["10.0.0.0/8"])).address == address


def test_a_connection_without_an_address() -> None:
    """A connection without an address, such as a Unix socket, has an empty address."""
    assert read_request_info({"headers": [], "client": None}, AddressRanges()).address == ""


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("192.0.2.1", "192.0.2.200", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("::ffff:192.0.2.1", "::ffff:192.0.2.9", True),
        ("2001:db8:0:1::1", "2001:db8::9", True),
        ("2001:db8:1::1", "2001:db8:2::1", False),
        ("", "", True),
        ("unknown", "192.0.2.1", False),
    ],
)
def test_networks(one: str, other: str, *, is_same: bool) -> None:
    """Addresses of a /24 of IPv4 or a /48 of IPv6 are in the same network."""
    assert (network_of(one) == network_of(other)) is is_same
