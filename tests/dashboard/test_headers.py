"""Headers: what browsers may do with the pages, and what requests cannot change."""

import pytest
from starlette.types import Message

from hushpost_dashboard.app import build_app
from hushpost_dashboard.settings import Settings
from hushpost_runtime.settings import read_settings

from .visitor import Visitor, document

PATHS = (
    "/",
    "/sign-in",
    "/sign-out",
    "/campaigns",
    "/compare",
    "/nowhere",
    "/healthz",
    "/static/style.css",
)
POLICY = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "connect-src 'self'",
    "form-action 'self'",
    "frame-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
}


@pytest.mark.parametrize("path", PATHS)
async def test_every_response_restricts_the_browser(
    visitor: Visitor, reporter: Visitor, path: str
) -> None:
    """With and without a session: no foreign or inline code, no framing, no sniffing, no cache."""
    for someone in (Visitor(visitor.port), reporter):
        headers = (await someone.get(path)).headers
        assert set(headers["content-security-policy"].decode().split("; ")) == POLICY
        assert headers["x-frame-options"] == b"DENY"
        assert headers["x-content-type-options"] == b"nosniff"
        assert headers["cache-control"] == b"no-store"
        assert headers["cross-origin-resource-policy"] == b"same-origin"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize("path", ["/sign-in", "/campaigns", "/compare", "/nowhere"])
async def test_pages_have_no_inline_code_or_style(reporter: Visitor, path: str) -> None:
    """The policy would block it, and pages would look broken."""
    someone = Visitor(reporter.port) if path == "/sign-in" else reporter
    page = document(await someone.get(path))
    assert page.css_first("main h1") is not None
    assert not page.css("style, [style], script:not([src])")
    for node in page.css("*"):
        assert not any(name.startswith("on") for name in node.attributes)
    for node in page.css("[src], link[href]"):
        address = node.attributes.get("src") or node.attributes.get("href")
        assert str(address).startswith("/static/")


async def test_files_with_a_digest_are_cached(visitor: Visitor) -> None:
    """Their addresses change with their content."""
    link = document(await visitor.get("/sign-in")).css_first("link[rel=stylesheet]")
    assert link is not None
    response = await visitor.get(str(link.attributes["href"]))
    assert response.headers["cache-control"] == b"public, max-age=31536000, immutable"


@pytest.mark.parametrize(
    "path", ["/../settings.py", "/%2e%2e/settings.py", "/..%2fsettings.py", "//etc/passwd"]
)
async def test_no_other_files_are_served(visitor: Visitor, path: str) -> None:
    """The folder of static files cannot be left."""
    assert (await visitor.get(f"/static{path}")).status in {303, 404}


@pytest.mark.parametrize("path", ["/", "/campaigns", "/campaigns/", "/sign-in", "/nowhere"])
async def test_the_host_header_appears_in_no_response(reporter: Visitor, path: str) -> None:
    """Neither pages nor redirects contain the name that a request claims."""
    for someone in (Visitor(reporter.port), reporter):
        response = await someone.get(
            path,
            "Host: evil.example",
            "X-Forwarded-Host: evil.example",
            "Forwarded: host=evil.example;proto=https",
            "X-Original-URL: //evil.example",
        )
        assert b"evil.example" not in response.body + b"".join(response.headers.values())


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE"])
async def test_other_methods_change_nothing(visitor: Visitor, method: str) -> None:
    """Without a session they lead to the sign-in page."""
    response = await visitor.get("/campaigns?q=x", "Content-Length: 0", method=method)
    assert response.status in {303, 405}
    if response.status == 303:
        assert response.headers["location"] == b"/sign-in"


@pytest.mark.parametrize("host", ["x/static/", "x/sign-in?", "x/healthz#", "x\\static", "[", ""])
async def test_the_host_header_opens_no_page(visitor: Visitor, host: str) -> None:
    """A path in it could look like a public page if addresses were built from the header."""
    response = await visitor.get("/campaigns", f"Host: {host}")
    assert response.status in {303, 400}
    if response.status == 303:
        assert response.headers["location"] == b"/sign-in"


async def test_the_page_of_an_unexpected_error_reveals_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """It has the same headers, and neither the exception nor its text."""

    def fail(_text: str) -> str:
        raise ValueError("a secret")

    monkeypatch.setattr("hushpost_dashboard.pages.sign_in.local_path", fail)
    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b""}

    async def send(message: Message) -> None:
        sent.append(message)

    scope = {
        "type": "http",
        "method": "GET",
        "path": "/sign-in",
        "raw_path": b"/sign-in",
        "query_string": b"",
        "headers": [],
        "client": ("192.0.2.1", 1),
    }
    with pytest.raises(ValueError, match="a secret"):  # for the log of the server
        await build_app(read_settings(Settings))(scope, receive, send)
    assert sent[0]["status"] == 500
    headers = dict(sent[0]["headers"])
    assert set(headers[b"content-security-policy"].decode().split("; ")) == POLICY
    assert headers[b"cache-control"] == b"no-store"
    body = b"".join(message.get("body", b"") for message in sent)
    assert b"Something went wrong" in body
    assert b"secret" not in body
