"""What a browser sends when it follows links and loads images, and what the edge makes of it."""

import ssl
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import ClassVar

import pytest
from playwright.async_api import Browser, BrowserContext

from hushpost_client import Verdict
from hushpost_edge.classifier import Classifier
from hushpost_edge.event_ranges import EventRanges
from hushpost_edge.request_info import RequestInfo, read_request_info
from hushpost_runtime.address_ranges import AddressRanges
from tests.certificate import self_signed
from tests.edge.raw_http import CHROME

CLASSIFIER = Classifier(proxies=EventRanges(), prefetchers=EventRanges(), scanners=EventRanges())


class Requests(BaseHTTPRequestHandler):
    """Serves a message, follows `/to/<URL>` with a redirect, and keeps what it was asked for."""

    scheme: ClassVar[str]
    received: ClassVar[dict[str, RequestInfo]]

    def do_GET(self) -> None:
        """Respond."""
        headers = [(name.lower().encode(), value.encode()) for name, value in self.headers.items()]
        scope = {"headers": headers, "client": ("203.0.113.9", 1), "scheme": self.scheme}
        path = self.path.partition("example.com")[2] or self.path
        self.received[path] = read_request_info(scope, AddressRanges())
        body = b'<a href="/c/t/1">offer</a><img src="/o/t.gif">' if path == "/mail" else b""
        self.send_response(302 if path.startswith("/to/") else 200)
        if path.startswith("/to/"):
            self.send_header("Location", path.removeprefix("/to/"))
        self.send_header("Content-Type", "text/html")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        """Log nothing."""


@contextmanager
def serving(scheme: str, folder: Path) -> Iterator[tuple[int, dict[str, RequestInfo]]]:
    """Serve on a free port; return it, and the requests by their path."""
    received: dict[str, RequestInfo] = {}
    handler = type("Handler", (Requests,), {"scheme": scheme, "received": received})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        if scheme == "https":
            certificate, key = folder / "certificate.pem", folder / "key.pem"
            for file, content in zip((certificate, key), self_signed(), strict=True):
                file.write_bytes(content)
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_port, received
        finally:
            server.shutdown()
            thread.join()


async def read_mail(context: BrowserContext, url: str) -> None:
    """Open the message, which loads its image, and follow its link."""
    page = await context.new_page()
    await page.goto(url)
    await page.get_by_text("offer").click()
    await page.wait_for_url("**/c/t/1")


@pytest.mark.parametrize("scheme", ["https", "http"])
async def test_a_browser_is_human(scheme: str, browser: Browser, tmp_path: Path) -> None:
    """Its image and its click are HUMAN; the same with less is UNKNOWN."""
    with ExitStack() as stack:
        port, received = stack.enter_context(serving(scheme, tmp_path))
        # Over http, the server is a proxy, because browsers trust 127.0.0.1 as much as https.
        is_proxied = scheme == "http"
        url = "http://mail.example.com" if is_proxied else f"https://127.0.0.1:{port}"
        context = await browser.new_context(
            user_agent=CHROME,
            locale="de-DE",
            ignore_https_errors=True,
            proxy={"server": f"http://127.0.0.1:{port}"} if is_proxied else None,
        )
        await read_mail(context, f"{url}/mail")
        await context.close()
    for link, path in enumerate(("/o/t.gif", "/c/t/1")):
        info = received[path]
        assert info.has_language
        assert bool(info.fetch_mode) is info.is_https is (scheme == "https")
        assert CLASSIFIER.classify(link, info).verdict is Verdict.HUMAN
        without_language = info._replace(has_language=False)
        assert CLASSIFIER.classify(link, without_language).verdict is Verdict.UNKNOWN


async def test_a_redirect_from_http_to_https(browser: Browser, tmp_path: Path) -> None:
    """Sec-Fetch-Mode is sent after it, too, and when another program opens a URL."""
    with ExitStack() as stack:
        http_port, _ = stack.enter_context(serving("http", tmp_path))
        port, received = stack.enter_context(serving("https", tmp_path))
        context = await browser.new_context(
            user_agent=CHROME,
            locale="de-DE",
            ignore_https_errors=True,
            proxy={"server": f"http://127.0.0.1:{http_port}", "bypass": "127.0.0.1"},
        )
        page = await context.new_page()
        await page.goto(f"http://go.example.com/to/https://127.0.0.1:{port}/c/t/1")
        await page.goto(f"https://127.0.0.1:{port}/c/t/2")
        await context.close()
    for path in ("/c/t/1", "/c/t/2"):
        assert received[path].fetch_mode == b"navigate"
        assert CLASSIFIER.classify(1, received[path]).verdict is Verdict.HUMAN
