"""Serves the files with which Apple and Android let an app open links of the edge's domain."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import NamedTuple, NoReturn

import structlog
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from hushpost_edge.settings import Settings

__all__ = ["AppLinksError", "app_link_routes", "check_app_link_files"]

_MAX_BYTES = 128 * 1024
"""Apple's devices ignore a larger file."""
_MEDIA_TYPE = "application/json"
_CACHING = {"cache-control": "public, max-age=300"}

_log = structlog.get_logger(__name__)


class AppLinksError(Exception):
    """A file of app links is too large, or no JSON of the expected kind."""


@dataclass(frozen=True)
class _Kind:
    """A kind of file: the path that serves it, and the type of the whole JSON text."""

    path: str
    json_type: type
    json_name: str


_APPLE = _Kind("/.well-known/apple-app-site-association", dict, "object")
_ANDROID = _Kind("/.well-known/assetlinks.json", list, "array")


class _Version(NamedTuple):
    """Changes when a file is edited or replaced."""

    inode: int
    modified: int
    size: int


def check_app_link_files(settings: Settings) -> None:
    """Check the files, to report errors before the edge starts. Raises AppLinksError, OSError."""
    for kind, file in _configured(settings):
        _read(kind, file)


def app_link_routes(settings: Settings) -> list[Route]:
    """Return the routes of the files that are configured."""
    return [Route(kind.path, _Served(kind, file).serve) for kind, file in _configured(settings)]


class _Served:
    """A file that is read again when it has changed.

    The last valid content is served while the file is missing or invalid. Without any, the
    path does not exist; the worker starts all the same, because redirects matter more.
    """

    def __init__(self, kind: _Kind, file: Path) -> None:
        self._kind = kind
        self._file = file
        self._version: _Version | None = None
        self._error = ""
        self._body: bytes | None = None
        self._update()

    def serve(self, _request: Request) -> Response:
        """Return the file. Starlette runs this in a thread, so a slow disk delays no redirect."""
        self._update()
        if self._body is None:
            raise HTTPException(HTTPStatus.NOT_FOUND)
        return Response(self._body, media_type=_MEDIA_TYPE, headers=_CACHING)

    def _update(self) -> None:
        try:
            status = self._file.stat()
            version = _Version(status.st_ino, status.st_mtime_ns, status.st_size)
            if version == self._version:
                return
            self._body = _read(self._kind, self._file)
            self._version, self._error = version, ""
        except (AppLinksError, OSError) as error:
            # Once per error, because anybody can request the file.
            if str(error) != self._error:
                self._error = str(error)
                _log.warning("app links file not read", cause=self._error)


def _configured(settings: Settings) -> Iterator[tuple[_Kind, Path]]:
    if settings.apple_app_site_association is not None:
        yield _APPLE, settings.apple_app_site_association
    if settings.assetlinks is not None:
        yield _ANDROID, settings.assetlinks


def _read(kind: _Kind, file: Path) -> bytes:
    with file.open("rb") as stream:
        body = stream.read(_MAX_BYTES + 1)
    if len(body) > _MAX_BYTES:
        raise AppLinksError(f"{file}: larger than {_MAX_BYTES} bytes")
    try:
        # Decoded first, because `json` would accept UTF-16, too.
        value = json.loads(body.decode(), parse_constant=_reject_constant)
    except (ValueError, RecursionError) as error:
        raise AppLinksError(f"{file}: no valid JSON in UTF-8: {error}") from error
    if not isinstance(value, kind.json_type):
        raise AppLinksError(f"{file}: not a JSON {kind.json_name}")
    return body


def _reject_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is no JSON")
