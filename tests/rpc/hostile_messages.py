"""Strategies of hypothesis for request bodies: hostile messages, damaged ones, and any bytes."""

import uuid
from collections.abc import Sequence
from functools import cache
from typing import Any

from google.protobuf import message_factory
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.message import Message
from hypothesis import strategies as st

MAX_DAMAGES = 4
MAX_ITEMS = 4

ODD_TEXTS = (
    "",
    "\0",
    "a\0b",
    "\n",
    "..",
    "*",
    "%",
    "\N{ZERO WIDTH SPACE}",
    "\N{RIGHT-TO-LEFT OVERRIDE}",
    "\N{FULLWIDTH DIGIT ONE}",
    "\U0010ffff",
    "\ufffe",
    "0",
    "-1",
    "9" * 19,
    "9" * 5_000,
    "a" * 129,
    "é" * 20_000,
    "https://example.com",
    "http://[",
    "https://exa mple.com/\r\nX: y",
    "javascript:alert(1)",
    str(uuid.UUID(int=0)),
    str(uuid.UUID(int=7)),
    "{00000000-0000-4000-8000-000000000001}",
    "Y2FtcGFpZ25zOi0xOjE=",  # the page token "campaigns:-1:1"
    "epsilon",
    "retention_days",
)
ODD_BYTES = (b"", b"\0", b"\x01\x01", b"\x01\xff" + bytes(80), bytes(200_000))
ODD_NUMBERS = (0, 1, -1, 2, 7, 999, 10_000, 2**31 - 1, -(2**31), 2**53, 2**63 - 1, -(2**63))
ODD_SECONDS = (0, -1, 10**9, 253402300799, 253402300800, -62135596801, 2**63 - 1, -(2**63))
ODD_NANOS = (0, 1, -1, 999_999_999, 10**9, 2**31 - 1, -(2**31))

_BITS = {
    FieldDescriptor.TYPE_INT32: 32,
    FieldDescriptor.TYPE_ENUM: 32,
    FieldDescriptor.TYPE_INT64: 64,
}


def bodies(valid: Message, texts: Sequence[str]) -> st.SearchStrategy[bytes]:
    """Return request bodies near `valid`, whose texts may be replaced by one of `texts`."""
    hostile = _hostile(valid, tuple(texts)).map(_serialized)
    damaged = (hostile | st.just(_serialized(valid))).flatmap(_damaged)
    # Most damaged bodies are no messages, so they end before the RPC itself.
    return st.sampled_from([hostile] * 6 + [damaged] * 3 + [st.binary(max_size=300)]).flatmap(
        lambda strategy: strategy
    )


def _serialized(message: Message) -> bytes:
    return message.SerializeToString(deterministic=True)


@st.composite
def _hostile(draw: st.DrawFn, valid: Message, texts: tuple[str, ...]) -> Message:
    """Change, remove or add some fields of a valid message, or all of them."""
    fields = [valid.DESCRIPTOR.fields_by_name[name] for name in valid.DESCRIPTOR.fields_by_name]
    message = type(valid)()
    message.CopyFrom(valid)
    if not fields:
        return message
    some = st.lists(st.sampled_from(fields), min_size=1, max_size=3, unique_by=id)
    chosen: list[Any] = draw(some | st.just(fields))
    for field in chosen:
        message.ClearField(field.name)
        # Another tenant is rejected before the other fields are looked at.
        if field.name == "tenant_id" and draw(st.booleans()):
            setattr(message, field.name, getattr(valid, field.name))
        else:
            _fill(draw, message, field, texts)
    return message


@st.composite
def _damaged(draw: st.DrawFn, body: bytes) -> bytes:
    """Replace pieces of a body by other bytes, by pieces of itself, or by nothing."""
    for _ in range(draw(st.integers(1, MAX_DAMAGES))):
        start = draw(st.integers(0, len(body)))
        end = min(len(body), start + draw(st.integers(0, 8)))
        copied = draw(st.integers(0, len(body)))
        piece = draw(
            st.one_of(
                st.binary(max_size=8),
                st.just(body[copied : copied + 40]),
                # A length or number that is far too great; the start of a group; a bad tag.
                st.sampled_from([b"\xff\xff\xff\xff\x0f", b"\xff" * 9 + b"\x01", b"\x0b", b"\0"]),
            )
        )
        body = body[:start] + piece + body[end:]
    return body


@cache
def _messages(descriptor: Descriptor, texts: tuple[str, ...]) -> st.SearchStrategy[Any]:
    """Return messages of a type with any of its fields set to hostile values."""

    @st.composite
    def build(draw: st.DrawFn) -> Message:
        message = message_factory.GetMessageClass(descriptor)()
        for field in descriptor.fields:
            if draw(st.booleans()):
                _fill(draw, message, field, texts)
        return message

    return build()


def _fill(
    draw: st.DrawFn, message: Message, field: FieldDescriptor, texts: tuple[str, ...]
) -> None:
    """Set a field to a hostile value, or to several if it is repeated."""
    values = _values(field, texts)
    if field.is_repeated:
        getattr(message, field.name).extend(draw(st.lists(values, max_size=MAX_ITEMS)))
    elif field.message_type is not None:
        getattr(message, field.name).CopyFrom(draw(values))
    else:
        setattr(message, field.name, draw(values))


def _values(field: FieldDescriptor, texts: tuple[str, ...]) -> st.SearchStrategy[Any]:
    message = field.message_type
    if message is not None:
        is_time = message.full_name == "google.protobuf.Timestamp"
        return _timestamps(message) if is_time else _messages(message, texts)
    if field.type == FieldDescriptor.TYPE_STRING:
        # A protobuf string cannot have surrogates; damaged bodies have invalid UTF-8.
        any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
        return st.one_of(st.sampled_from(texts), st.sampled_from(ODD_TEXTS), any_text)
    if field.type == FieldDescriptor.TYPE_BYTES:
        return st.binary(max_size=300) | st.sampled_from(ODD_BYTES)
    if field.type == FieldDescriptor.TYPE_BOOL:
        return st.booleans()
    if field.type == FieldDescriptor.TYPE_DOUBLE:
        return st.floats() | st.sampled_from((0.5, 2.0, 2.5))
    bits = _BITS[field.type]  # a KeyError means that a field of a new type needs values
    low, high = -(2 ** (bits - 1)), 2 ** (bits - 1) - 1
    odd = [number for number in ODD_NUMBERS if low <= number <= high]
    return st.one_of(st.sampled_from(odd), st.integers(0, 9), st.integers(low, high))


def _timestamps(descriptor: Descriptor) -> st.SearchStrategy[Any]:
    seconds = st.sampled_from(ODD_SECONDS) | st.integers(-(2**63), 2**63 - 1)
    nanos = st.sampled_from(ODD_NANOS) | st.integers(-(2**31), 2**31 - 1)
    return st.builds(message_factory.GetMessageClass(descriptor), seconds=seconds, nanos=nanos)
