"""The edge's pages for people that belong to no sender, and what programs get instead."""

import re

import pytest
from starlette.requests import Request

from hushpost_edge.general_pages import GeneralPages
from hushpost_edge.languages import LANGUAGES
from hushpost_edge.page_templates import PageTemplates
from tests.conftest import Clients

from .conftest import send
from .edge_process import EdgeProcess
from .page_content import check_content, text_of
from .raw_http import Connection, HttpResponse, get, post

BROWSER = "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8"
UNKNOWN_LINK = f"/c/AQ{'A' * 54}/1"


def check_page(response: HttpResponse, status: int, title: str) -> None:
    """Check that a response is a page with a title, which loads and runs nothing."""
    assert (response.status, response.headers["content-type"]) == (
        status,
        b"text/html; charset=utf-8",
    )
    assert f"<title>{title}</title>" in response.body.decode()
    assert "location" not in response.headers
    check_content(response)


@pytest.mark.parametrize(
    "path", ["/c", "/c/", "/c/x/1", "/o", "/p", "/p/", "/favicon.ico", "/docs"]
)
async def test_other_paths_get_a_page(edge: EdgeProcess, path: str) -> None:
    """A path that leads nowhere gets a page with status 404."""
    check_page(await get(edge.port, path), 404, "Link not found")


async def test_unknown_links_get_a_page(edge: EdgeProcess, clients: Clients) -> None:
    """An unknown link of a campaign, and an unknown campaign, get a page with status 404."""
    mailing = await send(clients.sender, ["ann"])
    for path in (f"/c/{mailing.tokens['ann']}/99", UNKNOWN_LINK, f"/c/AQ{'B' * 54}/1"):
        check_page(await get(edge.port, path, BROWSER), 404, "Link not found")


async def test_the_start_page_says_what_the_server_is_for(edge: EdgeProcess) -> None:
    """People who open the bare address learn where they can see and change what is recorded."""
    response = await get(edge.port, "/?utm_source=mail")
    check_page(response, 200, "A server for links in emails")
    assert "it records opens and clicks for the sender" in text_of(response)
    assert "<form" not in response.body.decode()


async def test_a_link_that_cannot_be_looked_up_gets_a_page(
    edge_key: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """While the authority is down, an unknown link says to try again."""
    folder = tmp_path_factory.mktemp("alone")
    with EdgeProcess(folder, "127.0.0.1:1", edge_key, path="/healthz") as alone:
        response = await get(alone.port, UNKNOWN_LINK, BROWSER)
        check_page(response, 503, "Please try again in a moment")
        assert response.headers["retry-after"] == b"5"
        program = await get(alone.port, UNKNOWN_LINK, "Accept: application/json")
        assert (program.status, program.body) == (503, b"Service Unavailable\n")
        assert program.headers["retry-after"] == b"5"


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS", "PATCH"])
async def test_other_methods_are_rejected(edge: EdgeProcess, clients: Clients, method: str) -> None:
    """Links, pixels and the start page can only be fetched; Allow says so (RFC 9110, 10.2.1)."""
    mailing = await send(clients.sender, ["ann"])
    for path in (f"/c/{mailing.tokens['ann']}/1", f"/o/{mailing.tokens['ann']}.gif", "/"):
        response = await get(edge.port, path, "Content-Length: 0", method=method)
        check_page(response, 405, "This cannot be done here")
        assert set(response.headers["allow"].split(b", ")) == {b"GET", b"HEAD"}


async def test_rejected_forms_get_a_page(edge: EdgeProcess) -> None:
    """A form that is malformed or too large changes nothing, and the page says so."""
    path = f"/p/{'A' * 46}"
    many = {f"field{number}": "" for number in range(20)}
    malformed = await post(edge.port, path, **many)
    large = await post(edge.port, path, x="x" * 20_000)
    check_page(malformed, 400, "The request cannot be read")
    check_page(large, 413, "The form is too large")
    for response in (malformed, large):
        assert "Nothing was changed." in text_of(response)


@pytest.mark.parametrize("path", ["/", "/docs", UNKNOWN_LINK])
async def test_head_returns_only_the_headers_of_get(edge: EdgeProcess, path: str) -> None:
    """A HEAD request gets the status and headers of the page, and no body."""
    async with Connection(edge.port) as connection:
        found = await connection.get(path, BROWSER)
        head = await connection.get(path, BROWSER, method="HEAD")
        # A body would be read as the next response.
        assert (await connection.get(path, BROWSER)).status == found.status
    assert head.status == found.status
    for name in ("content-type", "content-length", "content-language", "x-robots-tag"):
        assert head.headers[name] == found.headers[name]


@pytest.mark.parametrize(
    "accept", [BROWSER, "Accept: */*", "Accept: text/*;q=0.1, application/json", "Accept: "]
)
async def test_who_accepts_html_gets_it(edge: EdgeProcess, accept: str) -> None:
    """The Accept header (RFC 9110, 12.5.1) may name HTML or a range that includes it."""
    check_page(await get(edge.port, "/docs", accept), 404, "Link not found")


@pytest.mark.parametrize("accept", ["application/json", "image/webp", "text/html;q=0, text/plain"])
async def test_programs_get_text(edge: EdgeProcess, accept: str) -> None:
    """Programs that do not accept HTML get one line of text."""
    response = await get(edge.port, "/docs", f"Accept: {accept}")
    assert response.headers["content-type"] == b"text/plain; charset=utf-8"
    assert (response.status, response.body) == (404, b"Not Found\n")


async def test_pages_are_in_the_language_of_the_reader(edge: EdgeProcess) -> None:
    """The browser's language, which a link overrides; each page links to all languages."""
    german = await get(edge.port, "/", "Accept-Language: de-CH, de;q=0.9")
    check_page(german, 200, "Ein Server für Links in E-Mails")
    assert german.headers["content-language"] == b"de"
    assert '<html lang="de" dir="ltr">' in german.body.decode()
    links = re.findall(r'href="\?lang=(\w+)"', german.body.decode())
    assert links == list(LANGUAGES)
    titles = set()
    for language in links:
        response = await get(edge.port, f"{UNKNOWN_LINK}?lang={language}", "Accept-Language: de")
        assert response.headers["content-language"].decode() == language
        titles.update(re.findall("<title>(.*)</title>", response.body.decode()))
    assert len(titles) == len(LANGUAGES)


async def test_errors_of_the_edge_get_a_page() -> None:
    """A defect of the edge shows a page without details."""
    scope = {
        "type": "http",
        "method": "GET",
        "path": "/",
        "query_string": b"",
        "headers": [(b"accept-language", b"it")],
    }
    error = RuntimeError("secret")
    response = await GeneralPages(PageTemplates()).rejected(Request(scope), error)
    page = bytes(response.body).decode()
    assert response.status_code == 500
    assert "<title>Si è verificato un errore</title>" in page
    assert "secret" not in page
