"""gRPC statuses become exceptions with a reason."""

from typing import Any

import grpc
import pytest

import hushpost_client
from hushpost.v1 import errors_pb2
from hushpost_client import ErrorReason, HushpostError
from hushpost_service.rpc.status import CODES

# Statuses that neither the authority nor gRPC itself sends.
NEVER_SENT = (
    grpc.StatusCode.ABORTED,
    grpc.StatusCode.DATA_LOSS,
    grpc.StatusCode.OUT_OF_RANGE,
)
CLASSES = {
    code: code.name.title().replace("_", "") + "Error"
    for code in grpc.StatusCode
    if code not in {grpc.StatusCode.OK, *NEVER_SENT}
} | {
    grpc.StatusCode.CANCELLED: "UnavailableError",  # the authority stops
    **dict.fromkeys(NEVER_SENT, "UnknownError"),
}


@pytest.mark.parametrize("code", CLASSES, ids=lambda code: code.name)
async def test_each_status_has_its_class(hushpost: Any, server: Any, code: grpc.StatusCode) -> None:
    """A failed call raises exactly the class of its status, or UnknownError if there is none."""
    server.fail(code, "INTERNAL")
    with pytest.raises(HushpostError) as caught:
        await hushpost.tracking.resolve_link("t", 1)
    assert type(caught.value) is getattr(hushpost_client, CLASSES[code])


def test_every_status_that_the_authority_sends_has_a_class() -> None:
    """No status of a reason falls back to UnknownError."""
    assert "UnknownError" not in {CLASSES[code] for code in CODES.values()}


async def test_an_error_has_what_the_authority_sent(hushpost: Any, server: Any) -> None:
    """An exception has the reason, the metadata, the delay and the call id of the status."""
    server.fail(
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        "OVERLOADED",
        retry_after=0.25,
        metadata={"a": "b"},
        call_id="9f86d081884c7d65",
    )
    with pytest.raises(hushpost_client.ResourceExhaustedError) as caught:
        await hushpost.tracking.record_open("t")
    error = caught.value
    assert error.reason is ErrorReason.OVERLOADED
    assert (dict(error.metadata), error.retry_after) == ({"a": "b"}, 0.25)
    assert error.call_id == "9f86d081884c7d65"
    assert str(error) == "OVERLOADED: the message"


async def test_an_unknown_reason_is_kept(hushpost: Any, server: Any) -> None:
    """A reason of a newer authority is an ErrorReason of that name, but not a member."""
    server.fail(grpc.StatusCode.NOT_FOUND, "GALAXY_NOT_FOUND")
    with pytest.raises(hushpost_client.NotFoundError) as caught:
        await hushpost.tracking.resolve_link("t", 1)
    assert isinstance(caught.value.reason, ErrorReason)
    assert caught.value.reason == "GALAXY_NOT_FOUND"
    assert str(caught.value).startswith("GALAXY_NOT_FOUND: ")
    assert "GALAXY_NOT_FOUND" not in ErrorReason.__members__


@pytest.mark.parametrize("trailer", [b"\xff\xff\xff", b""])
async def test_malformed_details_do_not_hide_the_status(
    hushpost: Any, server: Any, trailer: bytes
) -> None:
    """An error with malformed details has the class and name of its status, and no reason."""
    server.fail_with_trailer(grpc.StatusCode.NOT_FOUND, trailer)
    with pytest.raises(hushpost_client.NotFoundError) as caught:
        await hushpost.tracking.resolve_link("t", 1)
    assert caught.value.reason is None
    assert str(caught.value) == "NOT_FOUND: the message"


async def test_an_unreachable_authority_is_unavailable(connect: Any) -> None:
    """Without a connection, a call raises UnavailableError without a reason."""
    async with connect("127.0.0.1:1", api_key="k") as client:
        with pytest.raises(hushpost_client.UnavailableError) as caught:
            await client.tracking.resolve_link("t", 1)
    assert caught.value.reason is None
    assert caught.value.call_id is None


def test_reasons_are_those_of_the_protos() -> None:
    """ErrorReason has exactly the reasons of the proto enum."""
    names = {
        name.removeprefix("ERROR_REASON_")
        for name, number in errors_pb2.ErrorReason.items()
        if number
    }
    assert set(ErrorReason.__members__) == names
