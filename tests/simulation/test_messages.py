"""Reading links, images and tokens of delivered mail."""

import pytest

import hushpost_mail
from hushpost_demo import newsletter
from hushpost_demo.mail_reader import read_mail, read_page
from tests.simulation.messages import tracked_links

EDGE = "http://127.0.0.1:8080"
TOKEN = "T" * 56
ORIGINAL = read_page(newsletter.html(), newsletter.text())


def _delivered() -> tuple[bytes, tuple[hushpost_mail.SkippedLink, ...], dict[int, str]]:
    template = hushpost_mail.parse_template(newsletter.newsletter(), tracking_url=EDGE)
    mail = template.render(TOKEN, "P" * 40).with_headers({"To": "Inês <reader-1@readers.test>"})
    return (
        bytes(mail),
        template.skipped_links,
        {n: link.url for n, link in enumerate(template.links, 1)},
    )


def test_tracked_links_keep_their_original_urls() -> None:
    """The reader finds the pixel, the address and all links of both parts, with their original URLs."""
    content, _, registered = _delivered()
    mail = read_mail(content)
    links = tracked_links(ORIGINAL, mail.page)
    assert mail.to == "reader-1@readers.test"
    assert f"{EDGE}/o/{TOKEN}.gif" in mail.page.images
    assert f"{EDGE}/p/{'P' * 40}" in mail.page.links
    assert all(link.url == f"{EDGE}/c/{TOKEN}/{link.number}" for link in links)
    assert {link.number: link.destination for link in links}.items() <= registered.items()
    # One link is visible in Outlook only.
    assert len(registered) - len({link.number for link in links}) == 1


def test_skipped_links_stay_unchanged() -> None:
    """Unsubscribe and mailto links do not lead through the edge."""
    content, skipped, _ = _delivered()
    page = read_mail(content).page
    assert {link.url for link in skipped} <= {*page.links, *page.text_links}


def test_a_changed_or_missing_link_is_an_error() -> None:
    """A mail whose links differ from the original raises ValueError."""
    content, _, _ = _delivered()
    changed = read_mail(content.replace(b"mailto:hello", b"mailto:hallo"))
    with pytest.raises(ValueError, match="mailto:hallo"):
        tracked_links(ORIGINAL, changed.page)
    empty = read_page("", "")
    with pytest.raises(ValueError, match="0 were delivered"):
        tracked_links(ORIGINAL, empty)
