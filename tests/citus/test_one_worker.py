"""A recording transaction runs on the worker that has its tenant, and on no other server."""

import uuid
from datetime import UTC, datetime

import asyncpg

from hushpost_service.domain.modes import Policy
from hushpost_service.storage.connection_settings import connection_settings
from hushpost_service.storage.database import Database
from hushpost_service.storage.database_kind import DatabaseKind
from hushpost_service.storage.recording import (
    COMMIT,
    load_recording_inputs,
    lock_slot_bits,
    write,
)
from hushpost_service.storage.request_ids import Method
from hushpost_service.storage.tenant_locks import begin_recording
from hushpost_service.storage.tenants import insert_policy

TENANT = 4_713


async def test_recording_involves_one_worker(database: Database, distributed: str) -> None:
    """So that a worker that is down does not stop the tenants of others.

    Nor does the coordinator keep contacts in files, as it does with results of parts of statements.
    """
    await database.transact("test", lambda c: insert_policy(c, TENANT, Policy(), "test"))
    servers: list[str] = []
    local: list[str] = []

    def note(_: object, message: asyncpg.PostgresLogMessage) -> None:
        if message.message.startswith("issuing "):
            servers.append(message.as_dict()["detail"].split(" connectionId")[0])
        elif message.message.startswith("executing the command locally"):
            local.append(message.message)

    connection = await asyncpg.connect(
        distributed,
        server_settings={
            **connection_settings(DatabaseKind.DISTRIBUTED),
            "client_min_messages": "notice",
            "citus.log_remote_commands": "on",
        },
    )
    now = datetime.now(UTC)
    key = (TENANT << 40, 1, 0, False, 1, 0)
    counter = (TENANT << 40, 1, 0, False, 1, 0)
    try:
        connection.add_log_listener(note)
        await connection.execute(begin_recording(DatabaseKind.DISTRIBUTED, TENANT))
        inputs = await load_recording_inputs(
            connection,  # type: ignore[arg-type] # not of a pool
            TENANT,
            [(Method.RECORD_OPEN, uuid.uuid4())],
            [1],
            now,
            now,
            DatabaseKind.DISTRIBUTED,
        )
        assert inputs.new_requests == {0}
        (bits,) = (await lock_slot_bits(connection, TENANT, [key])).values()  # type: ignore[arg-type]
        await write(connection, TENANT, {key: bits}, {counter: 1}, {counter: 1})  # type: ignore[arg-type]
        await connection.execute(COMMIT)
        connection.remove_log_listener(note)
    finally:
        await connection.close()
    assert len(servers) > 5, "control: statements were sent"
    assert len(set(servers)) == 1
    assert local, "control: parts of statements are executed on the coordinator"
    assert not [statement for statement in local if "contact" in statement]
