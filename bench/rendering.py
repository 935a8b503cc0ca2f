"""`render_messages_per_second`, `render_vs_pytracking`: one newsletter, tokens in hand."""

import time
from collections.abc import Callable
from secrets import token_urlsafe

import pytracking  # type: ignore[import-untyped]
from pytracking.html import adapt_html  # type: ignore[import-untyped]

import hushpost_mail
from bench.child import Say
from bench.results import Figure, Result, Spread, ratios
from bench.site import Site

__all__ = ["measure"]

_LINKS = 20
_CHARACTERS = 30_000
_ROUNDS = 9
_MESSAGES = 20_000
_BY_PYTRACKING = 100
_TRACKING_URL = "https://t.example.com"
_ROW = (
    '<tr><td style="padding:0 28px 12px;font:15px/1.5 Georgia,serif;color:#33281f;">'
    '<a href="https://kettle.example.com/teas/{n}?utm_source=newsletter&amp;issue=48">Tea {n}</a>'
    "<p>{text}</p></td></tr>\n"
)


async def measure(_site: Site, say: Say) -> list[Result]:
    """Render the same newsletter both ways, turn by turn."""
    html = _newsletter()
    template = hushpost_mail.parse_template(html, tracking_url=_TRACKING_URL)
    configuration = pytracking.Configuration(
        base_open_tracking_url=f"{_TRACKING_URL}/o/", base_click_tracking_url=f"{_TRACKING_URL}/c/"
    )

    def ours(token: str) -> str:
        return template.render(token).html or ""

    def theirs(token: str) -> str:
        rendered: str = adapt_html(html, {"token": token}, configuration=configuration)
        return rendered

    rates: list[tuple[float, float]] = []
    for turn in range(_ROUNDS + 1):
        say(f"round {turn} of {_ROUNDS}")
        pair = _rate(ours, _MESSAGES), _rate(theirs, _BY_PYTRACKING)
        if turn:  # the first one warms up
            rates.append(pair)
    return _figures([pair[0] for pair in rates], [pair[1] for pair in rates], len(html))


def _newsletter() -> str:
    room = _CHARACTERS // _LINKS - len(_ROW)
    text = ("Brew it with water off the boil and give it time. " * room)[:room]
    rows = "".join(_ROW.format(n=n, text=text) for n in range(_LINKS))
    return f"<!doctype html><html><body><table>\n{rows}</table></body></html>\n"


def _rate(render: Callable[[str], str], count: int) -> float:
    """Return messages per second."""
    tokens = [token_urlsafe(42) for _ in range(count)]
    start = time.perf_counter()
    for token in tokens:
        rendered = render(token)
    speed = count / (time.perf_counter() - start)
    assert rendered.count(f"{_TRACKING_URL}/c/") == _LINKS, "some links were not rewritten"
    assert rendered.count(f"{_TRACKING_URL}/o/") == 1, "the pixel is missing"
    return speed


def _figures(ours: list[float], theirs: list[float], size: int) -> list[Result]:
    rate, compared = Spread.of(ours), ratios(ours, theirs)
    reference = f"pytracking, {Spread.of(theirs).median:,.0f} messages/s"
    conditions = f"{size / 1000:.0f} kB of HTML, {_LINKS} links, tokens in hand"
    return [
        Figure(
            name=name,
            value=spread.median,
            unit=unit,
            reference=reference,
            ratio=compared.median,
            low=spread.low,
            high=spread.high,
            rounds=_ROUNDS,
            conditions=conditions,
        )
        for name, unit, spread in (
            ("render_messages_per_second", "messages/s", rate),
            ("render_vs_pytracking", "ratio", compared),
        )
    ]
