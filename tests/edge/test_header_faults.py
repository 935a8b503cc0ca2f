"""Requests that lack headers which their browser always sends."""

import pytest

from hushpost_client import Verdict
from hushpost_edge.classifier import Classification, Classifier
from hushpost_edge.event_ranges import EventRanges
from hushpost_edge.event_reasons import Reason
from hushpost_edge.request_info import read_request_info
from hushpost_edge.user_agents import is_current_browser
from hushpost_runtime.address_ranges import AddressRanges

from .raw_http import CHROME
from .test_classifier import APPLE_MAIL, HEADLESS, OUTLOOK

FIREFOX = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
FIREFOX_ON_ANDROID = "Mozilla/5.0 (Android 14; Mobile; rv:128.0) Gecko/128.0 Firefox/128.0"
EDGE = f"{CHROME} Edg/126.0.0.0"
CHROME_ON_ANDROID = CHROME.replace(" Safari/", " Mobile Safari/")
SAFARI = "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.5 Safari/605.1.15"
IPHONE = "Mozilla/5.0 (iPhone; CPU iPhone OS 18_6 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/26.0 Mobile/15E148 Safari/604.1"
OPERA = f"{CHROME} OPR/112.0.0.0"
CURRENT = (CHROME, CHROME_ON_ANDROID, EDGE, OPERA, FIREFOX, FIREFOX_ON_ANDROID, SAFARI, IPHONE)

# They send what their makers decide, or send the headers since another version.
OTHERS = (
    APPLE_MAIL,
    OUTLOOK,
    FIREFOX.replace("Firefox", "Thunderbird"),
    FIREFOX.replace("Firefox/128.0", "Firefox/78.0"),
    FIREFOX + " PaleMoon/33.2",
    CHROME.replace("Chrome/126", "Chrome/79"),
    SAFARI.replace("17.5", "16.3"),
    IPHONE.replace("Version/26.0", "CriOS/126.0.6478.54"),
    IPHONE.replace("Mobile", "EdgiOS/126.0.2592.56 Mobile"),
    # A WebView of an app, Electron, Samsung, QtWebEngine (KMail).
    CHROME_ON_ANDROID.replace("Chrome/", "Version/4.0 Chrome/"),
    CHROME.replace("Safari/", "Electron/31.0.0 Safari/"),
    CHROME_ON_ANDROID.replace("Chrome/", "SamsungBrowser/26.0 Chrome/"),
    CHROME.replace("Chrome/", "QtWebEngine/6.5.2 Chrome/"),
)
CLASSIFIER = Classifier(proxies=EventRanges(), prefetchers=EventRanges(), scanners=EventRanges())
PROXIES = AddressRanges(["127.0.0.1/32"])
LANGUAGE = {"accept-language": "de"}
PROXIED = {"x-forwarded-for": "203.0.113.9", "x-forwarded-proto": "https"}
NAVIGATE, IMAGE = {"sec-fetch-mode": "navigate"}, {"sec-fetch-mode": "no-cors"}


def verdict(link: int, agent: str, headers: dict[str, str], **scope: object) -> Verdict:
    """Classify a request."""
    pairs = [(name.encode(), value.encode()) for name, value in headers.items()]
    request = {"headers": [(b"user-agent", agent.encode()), *pairs], "client": ("127.0.0.1", 1)}
    return CLASSIFIER.classify(link, read_request_info({**request, **scope}, PROXIES)).verdict


@pytest.mark.parametrize("agent", CURRENT)
@pytest.mark.parametrize(
    ("headers", "opened", "clicked"),
    [
        # Browsers do not send Sec-Fetch-Mode to http URLs.
        (LANGUAGE, Verdict.HUMAN, Verdict.HUMAN),
        ({}, Verdict.UNKNOWN, Verdict.UNKNOWN),
        ({"accept-language": ""}, Verdict.UNKNOWN, Verdict.UNKNOWN),
        (PROXIED, Verdict.UNKNOWN, Verdict.UNKNOWN),
        (PROXIED | LANGUAGE, Verdict.UNKNOWN, Verdict.UNKNOWN),
        (PROXIED | LANGUAGE | IMAGE, Verdict.HUMAN, Verdict.UNKNOWN),
        (PROXIED | LANGUAGE | NAVIGATE, Verdict.UNKNOWN, Verdict.HUMAN),
        (PROXIED | NAVIGATE, Verdict.UNKNOWN, Verdict.UNKNOWN),
        (PROXIED | LANGUAGE | {"x-forwarded-proto": "http"}, Verdict.HUMAN, Verdict.HUMAN),
        (PROXIED | LANGUAGE | {"x-forwarded-proto": "HTTPS, http"}, *[Verdict.UNKNOWN] * 2),
    ],
)
def test_current_browsers(
    agent: str, headers: dict[str, str], opened: Verdict, clicked: Verdict
) -> None:
    """Without a language, or over https without a fitting Sec-Fetch-Mode, they are UNKNOWN."""
    assert is_current_browser(agent.encode())
    assert verdict(0, agent, headers) is opened
    assert verdict(1, agent, headers) is clicked


@pytest.mark.parametrize("agent", OTHERS)
def test_mail_programs_and_other_browsers(agent: str) -> None:
    """They may lack headers; but no image is loaded as a page, and no page as an image."""
    assert not is_current_browser(agent.encode())
    for headers in ({}, PROXIED):
        assert verdict(0, agent, headers) is Verdict.HUMAN
        assert verdict(1, agent, headers) is Verdict.HUMAN
    assert verdict(0, agent, NAVIGATE) is verdict(1, agent, IMAGE) is Verdict.UNKNOWN
    assert verdict(1, agent, NAVIGATE) is verdict(0, agent, IMAGE) is Verdict.HUMAN


def test_only_trusted_proxies_say_that_a_client_uses_https() -> None:
    """A server that speaks TLS itself knows it."""
    stranger = ("192.0.2.1", 1)
    assert verdict(1, CHROME, PROXIED | LANGUAGE, client=stranger) is Verdict.HUMAN
    assert verdict(1, CHROME, LANGUAGE, scheme="https") is Verdict.UNKNOWN
    assert verdict(1, CHROME, LANGUAGE | NAVIGATE, scheme="https") is Verdict.HUMAN


def test_missing_headers_make_no_program_a_person() -> None:
    """Other verdicts stay."""
    assert verdict(1, HEADLESS, {}) is Verdict.SCANNER
    assert verdict(0, CHROME, {"sec-purpose": "prefetch"}) is Verdict.PREFETCH
    assert verdict(1, "SomeProgram/1.0", NAVIGATE) is Verdict.SCANNER


def test_in_the_shadow_faults_are_only_reported() -> None:
    """With the rule that would have made them UNKNOWN."""
    ranges = EventRanges()
    shadow = Classifier(proxies=ranges, prefetchers=ranges, scanners=ranges, shadow=True)
    scope = {"headers": [(b"user-agent", CHROME.encode())], "client": ("127.0.0.1", 1)}
    info = read_request_info(scope, PROXIES)
    found = shadow.classify(1, info)
    assert found == Classification(Verdict.HUMAN, Reason.READER, Reason.NO_LANGUAGE)
    assert CLASSIFIER.classify(1, info) == Classification(Verdict.UNKNOWN, Reason.NO_LANGUAGE)
