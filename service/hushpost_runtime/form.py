"""Reads submitted forms of bounded size."""

from http import HTTPStatus

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.types import Message

__all__ = ["read_form"]


async def read_form(request: Request, max_bytes: int = 16_384, max_fields: int = 8) -> FormData:
    """Return the fields of a form. Raises HTTPException if it is malformed or too large."""
    size = 0

    async def receive() -> Message:
        nonlocal size
        message = await request.receive()
        size += len(message.get("body", b""))
        if size > max_bytes:
            raise HTTPException(HTTPStatus.REQUEST_ENTITY_TOO_LARGE)
        return message

    try:
        return await Request(request.scope, receive).form(
            max_files=0, max_fields=max_fields, max_part_size=max_bytes
        )
    except ClientDisconnect:
        # No one is left to read the response.
        raise HTTPException(HTTPStatus.BAD_REQUEST) from None
