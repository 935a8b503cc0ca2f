"""Placeholders of other systems are left alone, and nothing else is taken for one."""

import pytest

from hushpost_mail import SkipReason, parse_template

from .rendered_html import TOKEN, TRACKING_URL


@pytest.mark.parametrize(
    "placeholder",
    [
        *("{{email}}", "{email}", "%7B%7Bemail%7D%7D", "${email}", "%24%7Bemail%7D"),
        *("*|EMAIL|*", "*%7CEMAIL%7C*", "%2A%7CEMAIL%7C%2A", "%%EMAIL%%", "%25%25email%25%25"),
        *("[[email]]", "%5B%5Bemail%5D%5D", "<%= email %>", "%3C%25=email%25%3E", "##email##"),
        *("%EMAIL%", "%recipient_email%", "%recipient.id%", "%DATE%", "%25EMAIL%25"),
        *("[EMAIL]", "[subscriber:email]", "-email-", "|EMAIL|", "%7CEMAIL%7C"),
        *("$email$", "%24email%24", "@@email@@", "%40%40email%40%40"),
    ],
)
@pytest.mark.parametrize("url", ["https://example.com/?a=1&e={}", "https://example.com/{}/b?c=d"])
def test_a_link_with_a_placeholder_is_not_tracked(url: str, placeholder: str) -> None:
    """Neither in the query nor in the path, in HTML and in text."""
    link = url.replace("{}", placeholder)
    for template in (
        parse_template(f'<a href="{link}">x</a>', tracking_url=TRACKING_URL),
        parse_template(None, f"see {link}", tracking_url=TRACKING_URL),
    ):
        assert not template.links
        assert [link.reason for link in template.skipped_links] == [SkipReason.PLACEHOLDER]


@pytest.mark.parametrize(
    "url",
    [
        "https://example.com/?c=50%%20off",
        "https://example.com/?c=100%25off%25now&d=50%off",
        "https://example.com/%7Bok%7D?a[]=1&b=100%",
        "https://example.com/?filter[name]=x&a[b][c]=1",
        "http://[::1]:80/",
        "http://[fe80::1]/",
        "https://example.com/?family=Open+Sans|Roboto|Lato",
        "https://example.com/a-foo-b/-/c?d=-e-f",
        "https://example.com/?q=%20foo%20bar%ABcd%20%DE%AD%BE%EF",
        "https://example.com/$1$?price=$5&x=$6",
        "https://example.com/@user@host/#a",
    ],
)
def test_an_unusual_url_is_tracked(url: str) -> None:
    """Percent-encoding, arrays, IPv6 addresses and single signs are no placeholders."""
    template = parse_template(f'<a href="{url}">x</a>', tracking_url=TRACKING_URL)
    assert [link.url for link in template.links] == [url]


@pytest.mark.parametrize(
    "text",
    [
        '{{ button "https://example.com/a" | upper }}',
        "{% link\n https://example.com/a\n %}",
        '<%= link_to "x", "https://example.com/a" %>',
        "*|IF:LINK=https://example.com/a |*",
        "%%[ set @url = 'https://example.com/a' ]%%",
        "[[link https://example.com/a ]]",
    ],
)
def test_a_url_inside_a_placeholder_of_a_text_is_not_tracked(text: str) -> None:
    """The other system reads the URL; one that follows is tracked."""
    source = f"{text}\nhttps://example.com/b"
    template = parse_template(None, source, tracking_url=TRACKING_URL)
    assert [link.url for link in template.links] == ["https://example.com/b"]
    assert template.render(TOKEN).text == f"{text}\n{TRACKING_URL}/c/{TOKEN}/1"
