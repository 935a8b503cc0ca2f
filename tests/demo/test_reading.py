"""Reading a mail as a mail program does."""

import pytest

import hushpost_mail
from hushpost_demo import letter
from hushpost_demo.failure import DemoError
from hushpost_demo.reading import read_mail, read_page, tracked_links

EDGE = "http://127.0.0.1:8080"
TOKEN = "T" * 56
WRITTEN = read_page(letter.html(), letter.text())


def _delivered() -> tuple[bytes, tuple[hushpost_mail.SkippedLink, ...], dict[int, str]]:
    template = hushpost_mail.parse_template(letter.letter(), tracking_url=EDGE)
    mail = template.render(TOKEN, "P" * 40).with_headers({"To": "Inês <reader-1@readers.test>"})
    return (
        bytes(mail),
        template.skipped_links,
        {n: link.url for n, link in enumerate(template.links, 1)},
    )


def test_the_links_of_a_mail_lead_where_they_were_written_to() -> None:
    """What a reader sees in HTML and text is found, with pixel, address and destinations."""
    content, _, registered = _delivered()
    mail = read_mail(content)
    links = tracked_links(WRITTEN, mail.page)
    assert mail.to == "reader-1@readers.test"
    assert f"{EDGE}/o/{TOKEN}.gif" in mail.page.images
    assert f"{EDGE}/p/{'P' * 40}" in mail.page.links
    assert all(link.url == f"{EDGE}/c/{TOKEN}/{link.number}" for link in links)
    assert {link.number: link.destination for link in links}.items() <= registered.items()
    # One is for Outlook alone.
    assert len(registered) - len({link.number for link in links}) == 1


def test_links_that_are_not_tracked_arrive_as_they_were_written() -> None:
    """Unsubscribing and writing to the shop go past the edge."""
    content, left, _ = _delivered()
    page = read_mail(content).page
    assert {link.url for link in left} <= {*page.links, *page.text_links}


def test_a_link_that_arrives_otherwise_is_noticed() -> None:
    """A mail whose links are not those that were written stops the demo."""
    content, _, _ = _delivered()
    other = read_mail(content.replace(b"mailto:hello", b"mailto:hallo"))
    with pytest.raises(DemoError, match="mailto:hallo"):
        tracked_links(WRITTEN, other.page)
    fewer = read_page("", "")
    with pytest.raises(DemoError, match="0 arrived"):
        tracked_links(WRITTEN, fewer)
