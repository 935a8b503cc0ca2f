"""Simulates recipients: they open mail, click links over HTTP, and opt out."""

import asyncio
import random
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from urllib.parse import urlsplit

from hushpost_client import Consent, DecisionDetails, DoNotTrack, Hushpost
from hushpost_demo.errors import DemoError
from hushpost_demo.mail_reader import Mail

__all__ = ["OPT_OUTS", "Activity", "open_and_click", "opt_out"]

OPT_OUTS = 12
"""Recipients who opt out after reading; every third of clicks only."""

_CONNECTIONS = 8
_TIMEOUT_SECONDS = 10
_OPEN_RATE, _CLICK_RATE, _PREFETCH_RATE = 0.6, 0.5, 0.3

_BROWSER = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
# Firefox sends these, too. A program that only says that it is Firefox is UNKNOWN to the edge.
_BROWSER_HEADERS = {"Accept": "*/*", "Accept-Language": "en-US,en;q=0.5"}
# What Apple's Mail Privacy Protection sends when it fetches a pixel before anyone reads.
_APPLE_PREFETCH = "Mozilla/5.0"


@dataclass(slots=True)
class Activity:
    """What the recipients did."""

    opens: int = 0
    clicks: int = 0
    prefetches: int = 0


@dataclass(frozen=True, slots=True)
class _Request:
    url: str
    user_agent: str
    client_address: str


async def open_and_click(edge_address: str, mails: Sequence[Mail], rng: random.Random) -> Activity:
    """Have recipients open and click their mail through the edge.

    Raises:
        DemoError: The edge does not respond as it should.
    """
    activity = Activity()
    requests: list[_Request] = []
    for number, mail in enumerate(mails):
        # A network per recipient: the edge classifies bursts from one network as a machine.
        address = f"2001:db8:{number:x}::1"
        pixel = next(url for url in mail.page.images if url.endswith(".gif"))
        if rng.random() < _PREFETCH_RATE:
            requests.append(_Request(pixel, _APPLE_PREFETCH, address))
            activity.prefetches += 1
        if rng.random() < _OPEN_RATE:
            requests.append(_Request(pixel, _BROWSER, address))
            activity.opens += 1
            if rng.random() < _CLICK_RATE:
                link = rng.choice([url for url in mail.page.links if "/c/" in url])
                requests.append(_Request(link, _BROWSER, address))
                activity.clicks += 1
    await asyncio.to_thread(_send_all, edge_address, requests)
    return activity


async def opt_out(edge: Hushpost, mails: Iterable[Mail]) -> None:
    """Opt out the first recipients that have not opted out, as their preference page would."""
    page = DecisionDetails(wording_version="1", wording_language="en")
    remaining = OPT_OUTS
    for mail in mails:
        token = next(url for url in mail.page.links if "/p/" in url).rpartition("/")[2]
        preference = await edge.preferences.get_preference_by_token(token)
        if preference.do_not_track is DoNotTrack.TRUE:
            continue
        is_of_clicks_only = remaining % 3 == 0
        await edge.preferences.set_preference_by_token(
            token,
            None if is_of_clicks_only else DoNotTrack.TRUE,
            clicks_consent=Consent.WITHDRAWN if is_of_clicks_only else None,
            details=page,
            evidence="preference page",
        )
        remaining -= 1
        if remaining == 0:
            return


def _send_all(edge_address: str, requests: Sequence[_Request]) -> None:
    shares = [requests[start::_CONNECTIONS] for start in range(_CONNECTIONS)]
    with ThreadPoolExecutor(_CONNECTIONS) as threads:
        for _ in threads.map(lambda share: _send(edge_address, share), shares):
            pass


def _send(edge_address: str, requests: Iterable[_Request]) -> None:
    connection = HTTPConnection(edge_address, timeout=_TIMEOUT_SECONDS)
    try:
        for request in requests:
            headers = {
                "User-Agent": request.user_agent,
                "X-Forwarded-For": request.client_address,
                **(_BROWSER_HEADERS if request.user_agent == _BROWSER else {}),
            }
            connection.request("GET", urlsplit(request.url).path, headers=headers)
            response = connection.getresponse()
            response.read()
            expected = 200 if request.url.endswith(".gif") else 302
            if response.status != expected:
                raise DemoError(f"the edge returned {response.status} instead of {expected}")
    except (OSError, HTTPException) as error:
        raise DemoError(f"the edge does not respond: {error}") from error
    finally:
        connection.close()
