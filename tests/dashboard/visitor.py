"""A minimal browser: keeps cookies and finds forms, but follows nothing by itself."""

from http.cookies import SimpleCookie
from itertools import count
from urllib.parse import quote, urlencode

from selectolax.lexbor import LexborHTMLParser

from tests.edge.raw_http import Connection, HttpResponse

_FORM = "Content-Type: application/x-www-form-urlencoded"
_addresses = count(1)


class Visitor:
    """Sends requests to a dashboard, with the cookies that it has set.

    Each visitor has an address of its own, because attempts to sign in are limited by address.

    Args:
        port: The port of the dashboard, which trusts X-Forwarded-For.
        headers: Lines that are sent with each request.
    """

    def __init__(self, port: int, *headers: str, address: str | None = None) -> None:
        number = next(_addresses)
        self.port = port
        self.address = address or f"198.51.{number // 250}.{number % 250}"
        self.headers = (f"X-Forwarded-For: {self.address}", *headers)
        self.cookies: dict[str, str] = {}

    async def get(self, path: str, *headers: str, method: str = "GET") -> HttpResponse:
        """Get a page."""
        return await self._send(path, headers, method, b"")

    async def post(self, path: str, *headers: str, **fields: str) -> HttpResponse:
        """Submit the fields of a form."""
        return await self._send(path, (_FORM, *headers), "POST", urlencode(fields).encode())

    async def sign_in(self, api_key: str, next_page: str = "") -> HttpResponse:
        """Open the sign-in page, enter a key and submit the form."""
        page = await self.get("/sign-in" + (f"?next={quote(next_page)}" if next_page else ""))
        return await self.post("/sign-in", **hidden_fields(page), api_key=api_key)

    async def sign_out(self) -> HttpResponse:
        """Press the button "Sign out" of the list of campaigns."""
        page = await self.get("/campaigns")
        return await self.post("/sign-out", **hidden_fields(page, "/sign-out"))

    async def is_signed_in(self) -> bool:
        """Return whether the list of campaigns can be seen."""
        return (await self.get("/campaigns")).status == 200

    async def _send(
        self, path: str, headers: tuple[str, ...], method: str, body: bytes
    ) -> HttpResponse:
        lines = [*self.headers, *headers]
        if self.cookies:
            pairs = "; ".join(f"{name}={value}" for name, value in self.cookies.items())
            lines.append(f"Cookie: {pairs}")
        if method == "POST":
            lines.append(f"Content-Length: {len(body)}")
        async with Connection(self.port) as connection:
            response = await connection.get(path, *lines, method=method, body=body)
        for line in response.cookies:
            for name, cookie in SimpleCookie(line).items():
                self.cookies[name] = cookie.value
                if cookie["max-age"] == "0":
                    del self.cookies[name]
        return response


def document(response: HttpResponse) -> LexborHTMLParser:
    """Parse a page as browsers do."""
    return LexborHTMLParser(response.body.decode())


def text_of(response: HttpResponse) -> str:
    """Return the visible text of a page."""
    body = document(response).body
    return " ".join(body.text(separator=" ").split()) if body else ""


def hidden_fields(response: HttpResponse, action: str = "/sign-in") -> dict[str, str]:
    """Return the hidden fields of a form of a page."""
    fields = document(response).css(f"form[action='{action}'] input[type=hidden]")
    return {str(field.attributes["name"]): str(field.attributes["value"] or "") for field in fields}
