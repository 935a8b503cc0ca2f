"""Runs commands as processes against a fake PreferenceService with scripted failures."""

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryFile
from typing import Any

import grpc
import pytest
from google.rpc.error_details_pb2 import ErrorInfo
from google.rpc.status_pb2 import Status

from hushpost.v1 import preference_pb2, preference_pb2_grpc, privacy_pb2
from tests.forked_process import HUSHPOST, start


@dataclass
class Outcome:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str


Command = Callable[..., Awaitable[Outcome]]

STRICTNESS = ("FALSE", "UNSET", "TRUE")


@dataclass
class FakePreferenceService(preference_pb2_grpc.PreferenceServiceServicer):
    """A fake PreferenceService that stores preferences and records every request.

    Erasing takes a contact out of them. Imports do not loosen what is in `decisions`, the
    contacts that decided in person. Requests with a known request id have no effect.

    `script` holds what happens at the next calls: a status to fail with, a number
    of seconds to wait for, or None.
    """

    preferences: dict[str, str] = field(default_factory=dict)
    requests: list[preference_pb2.BatchSetPreferencesRequest] = field(default_factory=list)
    erasures: list[preference_pb2.EraseContactRequest] = field(default_factory=list)
    keys: list[str] = field(default_factory=list)
    script: list[tuple[grpc.StatusCode, str] | float | None] = field(default_factory=list)
    decisions: set[str] = field(default_factory=set)
    request_ids: set[str] = field(default_factory=set)
    target: str = ""

    @property
    def entries(self) -> list[Any]:
        """All entries of all batches, in order."""
        return [entry for request in self.requests for entry in request.entries]

    @property
    def evidence(self) -> dict[str, str]:
        """The last evidence of each contact."""
        return {entry.contact_id: entry.evidence for entry in self.entries}

    async def BatchSetPreferences(  # noqa: N802 - the name of the RPC
        self,
        request: preference_pb2.BatchSetPreferencesRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> preference_pb2.BatchSetPreferencesResponse:
        """Set preferences."""
        self.requests.append(request)
        await self._follow_script(context)
        response = preference_pb2.BatchSetPreferencesResponse()
        preferences = dict(self.preferences)
        for index, entry in enumerate(request.entries):
            name = privacy_pb2.DoNotTrack.Name(entry.do_not_track)
            word = name.removeprefix("DO_NOT_TRACK_")
            response.created_count += entry.contact_id not in preferences
            old = preferences.setdefault(entry.contact_id, "UNSET")
            if word in {"UNSPECIFIED", old}:
                continue
            is_looser = STRICTNESS.index(word) < STRICTNESS.index(old)
            if is_looser and entry.contact_id in self.decisions and not request.overrule_recipients:
                response.protected_indexes.append(index)
                continue
            response.changed_count += 1
            response.loosened_count += is_looser
            response.tightened_count += not is_looser
            preferences[entry.contact_id] = word
        if request.validate_only:
            return response
        if request.request_id in self.request_ids:
            return preference_pb2.BatchSetPreferencesResponse()
        self.request_ids.add(request.request_id)
        self.preferences.clear()
        self.preferences.update(preferences)
        return response

    async def EraseContact(  # noqa: N802 - the name of the RPC
        self,
        request: preference_pb2.EraseContactRequest,
        context: grpc.aio.ServicerContext[Any, Any],
    ) -> preference_pb2.EraseContactResponse:
        """Forget a contact."""
        self.erasures.append(request)
        await self._follow_script(context)
        self.preferences.pop(request.contact_id, None)
        return preference_pb2.EraseContactResponse()

    async def _follow_script(self, context: grpc.aio.ServicerContext[Any, Any]) -> None:
        self.keys.append(str(dict(context.invocation_metadata() or ())["authorization"]))
        step = self.script.pop(0) if self.script else None
        if isinstance(step, tuple):
            await self._fail(context, *step)
        elif step is not None:
            await asyncio.sleep(step)

    async def _fail(
        self, context: grpc.aio.ServicerContext[Any, Any], code: grpc.StatusCode, reason: str
    ) -> None:
        status = Status(code=code.value[0], message="in words")
        status.details.add().Pack(ErrorInfo(reason=reason, domain="hushpost"))
        trailer = ("grpc-status-details-bin", status.SerializeToString())
        await context.abort(code, "in words", (trailer,))


@pytest.fixture
async def service() -> AsyncIterator[FakePreferenceService]:
    """A running, empty fake service."""
    server = grpc.aio.server()
    service = FakePreferenceService()  # type: ignore[abstract] # other RPCs are UNIMPLEMENTED
    preference_pb2_grpc.add_PreferenceServiceServicer_to_server(service, server)
    service.target = f"127.0.0.1:{server.add_insecure_port('127.0.0.1:0')}"
    await server.start()
    yield service
    await server.stop(None)


async def _run(
    *arguments: str | Path,
    key: str | None = "hp_key",
    cwd: Path,
    stdin: str = "",
    environment: dict[str, str] | None = None,
) -> Outcome:
    variables = {
        **{name: value for name, value in os.environ.items() if "HUSHPOST" not in name},
        **({"HUSHPOST_API_KEY": key} if key is not None else {}),
        "COLUMNS": "200",
        **(environment or {}),
    }
    with TemporaryFile() as given, TemporaryFile() as out, TemporaryFile() as err:
        given.write(stdin.encode())
        given.seek(0)
        files = given.fileno(), out.fileno(), err.fileno()
        process = start([HUSHPOST, *arguments], variables, files, cwd)
        try:
            code = await asyncio.to_thread(process.wait)
        finally:
            process.kill()
        out.seek(0)
        err.seek(0)
        return Outcome(code, out.read().decode(), err.read().decode())


@pytest.fixture
def hushpost(tmp_path: Path) -> Command:
    """Run `hushpost` with arguments, in a temporary folder."""

    async def run(
        *arguments: str | Path,
        key: str | None = "hp_key",
        stdin: str = "",
        environment: dict[str, str] | None = None,
    ) -> Outcome:
        return await _run(*arguments, key=key, cwd=tmp_path, stdin=stdin, environment=environment)

    return run


@pytest.fixture
def contacts(tmp_path: Path) -> Callable[[str | bytes], Path]:
    """Write a contacts.csv."""

    def write(content: str | bytes) -> Path:
        path = tmp_path / "contacts.csv"
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    return write


@pytest.fixture
def import_into(hushpost: Command, service: FakePreferenceService) -> Command:
    """Run `hushpost import` against the fake service."""

    async def run(
        path: Path | str, *options: str | Path, key: str | None = "hp_key", stdin: str = ""
    ) -> Outcome:
        fixed = ("--tenant", "acme", "--authority", service.target)
        return await hushpost("import", path, *fixed, *options, key=key, stdin=stdin)

    return run
