"""`next=` leads to pages of the dashboard only."""

import pytest

from hushpost_dashboard.campaign_address import campaign_path
from hushpost_dashboard.next_page import FIRST_PAGE, local_path
from tests.conftest import TenantKeys

from .visitor import Visitor, document, hidden_fields

FOREIGN = (
    "https://evil.example/",
    "//evil.example",
    "///evil.example",
    "/\\evil.example",
    "\\\\evil.example",
    "/campaigns@evil.example",
    "/campaigns.evil.example",
    "/campaigns\\..\\evil",
    "/campaigns\r\nSet-Cookie: hushpost_session=x",
    "/campaigns\nLocation: https://evil.example",
    "/campaigns\x00",
    "/campaigns?q=\u2028",
    "/campaigns ",
    " /campaigns",
    "javascript:alert(1)",
    "data:text/html,x",
    "/sign-out",
    "/static/../campaigns",
    "campaigns",
    "",
    "/campaigns?" + "q" * 5_000,
)


@pytest.mark.parametrize("text", FOREIGN)
def test_foreign_addresses_lead_to_the_first_page(text: str) -> None:
    """Only printable ASCII below a page of the dashboard is accepted."""
    assert local_path(text) == FIRST_PAGE


@pytest.mark.parametrize(
    "path",
    [
        "/campaigns",
        "/campaigns?q=a%20b&page=2",
        "/campaigns/c%2Fd",
        "/compare?campaign=a&campaign=b",
    ],
)
def test_pages_of_the_dashboard_are_accepted(path: str) -> None:
    """Unchanged."""
    assert local_path(path) == path


@pytest.mark.parametrize("campaign_id", ["a/b", "ä", "//evil.example", "a?b#c", 'a"b', "a\r\nb"])
def test_addresses_of_campaigns_can_be_returned_to(campaign_id: str) -> None:
    """An id may contain any character; in an address it is harmless."""
    path = campaign_path(campaign_id)
    assert local_path(path) == path
    assert path.count("/") == 2


@pytest.mark.parametrize("text", FOREIGN[:12])
async def test_signing_in_does_not_lead_elsewhere(
    visitor: Visitor, tenant: TenantKeys, text: str
) -> None:
    """Neither by the address of the form nor by its hidden field."""
    page = await visitor.get("/sign-in")
    fields = hidden_fields(page) | {"next": text}
    response = await visitor.post("/sign-in", **fields, api_key=tenant.reporter_key)
    assert response.headers["location"] == b"/campaigns"
    assert not any("hushpost_session=x" in line for line in response.cookies)
    other = Visitor(visitor.port)
    assert (await other.sign_in(tenant.reporter_key, text)).headers["location"] == b"/campaigns"


async def test_signing_in_leads_to_the_wanted_page(visitor: Visitor, tenant: TenantKeys) -> None:
    """The page that was asked for without a session."""
    response = await visitor.get("/compare?campaign=a%2Fb&campaign=%C3%A4")
    assert response.status == 303
    location = response.headers["location"].decode()
    page = await visitor.get(location)
    response = await visitor.post("/sign-in", **hidden_fields(page), api_key=tenant.reporter_key)
    assert response.headers["location"] == b"/compare?campaign=a%2Fb&campaign=%C3%A4"


async def test_links_of_other_sites_reach_a_session(reporter: Visitor) -> None:
    """A browser sends the strict cookie only from this site, so such a request is repeated."""
    stranger = Visitor(reporter.port)
    page = await stranger.get("/campaigns?q=%22%3E%3Cb", "Sec-Fetch-Site: cross-site")
    assert page.status == 200
    refresh = document(page).css_first("meta[http-equiv=refresh]")
    assert refresh is not None
    assert refresh.attributes["content"] == "0; url=/campaigns?q=%22%3E%3Cb"
    again = await stranger.get("/campaigns", "Sec-Fetch-Site: same-origin")
    assert again.headers["location"] == b"/sign-in"
