"""Takes the tracking out of a rendered content again, without a look at how it was put in."""

import re
from urllib.parse import quote

from selectolax.lexbor import LexborHTMLParser

TRACKING_URL = "https://t.example.com"
TOKEN = "TOKEN_-" * 8
PREFERENCE_TOKEN = "PREFERENCE" * 4 + "TOKEN_"

CLICK = re.compile(re.escape(f"{TRACKING_URL}/c/{TOKEN}/") + r"(\d+)")
PIXEL = re.compile(rf'<img src="{TRACKING_URL}/o/{TOKEN}\.gif"[^<>]*alt=""[^<>]*/>')
PREFERENCES = f"{TRACKING_URL}/p/{PREFERENCE_TOKEN}"


def written_in_place_of_links(rendered: str, original: str) -> list[tuple[int, str]]:
    """Answer the link numbers of a rendered HTML, each with what the original says there.

    Fails if anything else than links, one pixel and preference links differs.
    """
    assert len(PIXEL.findall(rendered)) == 1
    bare = PIXEL.sub("", rendered)
    pieces = re.split(rf"({CLICK.pattern.replace('(', '(?:')}|{re.escape(PREFERENCES)})", bare)
    kept, inserted = pieces[::2], pieces[1::2]
    assert original.startswith(kept[0])
    at, found = len(kept[0]), []
    for url, piece in zip(inserted, kept[1:], strict=True):
        # Of two equal pieces the earlier one is meant: no href has in it what follows it.
        end = original.index(piece, at) if piece else len(original)
        if url != PREFERENCES:
            found.append((int(url.rpartition("/")[2]), original[at:end]))
        at = end + len(piece)
    assert at == len(original)
    return found


def destination(written: str) -> str:
    """Answer where a browser goes for what stands in an href."""
    # Not html.unescape: entities without a semicolon are others in an attribute.
    anchor = LexborHTMLParser('<a href="' + written.replace('"', "&quot;") + '">').css_first("a")
    assert anchor is not None
    url = re.sub(r"[\t\r\n]", "", (anchor.attributes["href"] or "").strip())
    return re.sub(r"\s", lambda space: quote(space[0]), url)
