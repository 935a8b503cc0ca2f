"""A minimal HTTP client that sends request lines and headers unchanged."""

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

CHROME = (
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/126.0.0.0 Safari/537.36"
)
TIMEOUT_SECONDS = 20
# What browsers send to http URLs. To https URLs they also send Sec-Fetch-Mode.
BROWSER_HEADERS = {"Accept": "*/*", "Accept-Language": "en"}


@dataclass(frozen=True)
class HttpResponse:
    """A response; header names are in lower case.

    `cookies` are the values of all Set-Cookie headers.
    """

    status: int
    headers: dict[str, bytes]
    body: bytes
    cookies: tuple[str, ...] = ()


class Connection:
    """A keep-alive connection for consecutive requests."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def __aenter__(self) -> Self:
        self._reader, self._writer = await asyncio.open_connection("127.0.0.1", self._port)
        return self

    async def __aexit__(
        self,
        exc_type: type[BaseException] | None,
        exc: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._writer.close()

    async def get(
        self,
        path: str | bytes,
        *headers: str,
        agent: str = CHROME,
        method: str = "GET",
        body: bytes = b"",
    ) -> HttpResponse:
        """Send a request with `headers`, and with those of browsers that are not among them.

        Raises ConnectionError or EOFError if there is no response.
        """
        raw = path if isinstance(path, bytes) else path.encode()
        lines = [f"User-Agent: {agent}", *headers]
        given = {line.partition(":")[0] for line in headers}
        for name, value in {"Host": "localhost", **BROWSER_HEADERS}.items():
            if name not in given:
                lines.append(f"{name}: {value}")
        head = "\r\n".join([*lines, "", ""]).encode("latin-1")
        self._writer.write(method.encode() + b" " + raw + b" HTTP/1.1\r\n" + head + body)
        async with asyncio.timeout(TIMEOUT_SECONDS):
            return await self._read_response(has_body=method != "HEAD")

    async def _read_response(self, *, has_body: bool) -> HttpResponse:
        head = (await self._reader.readuntil(b"\r\n\r\n")).split(b"\r\n")
        pairs = [line.partition(b": ")[::2] for line in head[1:-2]]
        headers = {name.decode().lower(): value for name, value in pairs}
        cookies = tuple(value.decode() for name, value in pairs if name.lower() == b"set-cookie")
        length = int(headers.get("content-length", b"0")) if has_body else 0
        body = await self._reader.readexactly(length)
        return HttpResponse(int(head[0].split(b" ")[1]), headers, body, cookies)


async def get(
    port: int, path: str | bytes, *headers: str, agent: str = CHROME, method: str = "GET"
) -> HttpResponse:
    """Send one request on a new connection."""
    async with Connection(port) as connection:
        return await connection.get(path, *headers, agent=agent, method=method)


async def post(port: int, path: str, *headers: str, **fields: str) -> HttpResponse:
    """Submit the fields of a form, as a browser does."""
    body = urlencode(fields).encode()
    async with Connection(port) as connection:
        return await connection.get(
            path,
            "Content-Type: application/x-www-form-urlencoded",
            f"Content-Length: {len(body)}",
            *headers,
            method="POST",
            body=body,
        )
