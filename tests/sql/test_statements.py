"""Every SQL statement of the service is valid for the migrated schema."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from string import Formatter

import pytest

from hushpost_service.storage import sql
from hushpost_service.storage.database import BEGIN
from tests.inspection import on

FORMAT_FIELDS = {
    "begin": BEGIN,
    "lock": 4711,
    "tenant": "$1::integer",
    "key": "pg_advisory_xact_lock(4711, $1::integer)",
    "name": "events_2001_02",
    "primary_key": "counters_pkey",
    "value": "off",
    "start": datetime(2001, 2, 1, tzinfo=UTC),
    "end": datetime(2001, 3, 1, tzinfo=UTC),
    "period": 1600,
    "milliseconds": 100,
}
"""Sample values for the fields of statements that are format strings."""

TABLE_NAMES = {
    "CREATE_REQUEST_IDS_PARTITION": "request_ids_1600",
    "SET_PARAMETER": "jit",
    "IS_EMPTY": "events",
    "LOCK_TABLE": "events",
    "DROP_PARTITION": "request_ids",
    "VACUUM_FULL": "anonymization_jobs",
    "CLUSTER": "counters",
    "EQUALIZE_XMIN": "counters",
}
"""Values of the field `name` for statements that need another table."""

NO_TRANSACTION = ("vacuum", "checkpoint")
"""First words of statements that cannot run in a transaction."""

FRAGMENTS = {
    "EXCLUSIVE",
    "SHARED",
    "CONTACT_BY_ID",
    "API_KEYS",
    "DOMAINS",
    "CLAIM",
    "PREFERENCE_COLUMNS",
    "PREFERENCE_GROUP",
    "PREFERENCE_SINCE",
}
"""Constants that are parts of statements."""

OF_AN_EXTENSION = {"distribution"}
"""Modules whose statements need the extension Citus, which these tests do not have."""

PREPARABLE = ("select", "insert", "update", "delete", "with")

ACROSS_TENANTS = {
    "INSERT_TENANT",
    "TENANT",
    "TENANT_IDS",
    "EXISTING_TENANTS",
    "API_KEY_BY_HASH",
    "API_KEY",
    "REVOKE_API_KEY",
    "DELETE_API_KEY",
    "ENDED_API_KEYS",
    "RECORD_USE",
    "TENANT_NUMBERS",
    "LINKS_SINCE",
    "LINKS_OF_TENANTS_SINCE",
    "LAST_REVISION",
    "TENANTS_WITH_JOBS",
    "PARTITIONS",
    "SETTINGS",
    "SERVER_START",
    "SERVER_PROCESS",
    "LOCK_KEYRING",
    "FINGERPRINTS",
    "INSERT_FINGERPRINTS",
    "LOWEST_KNOWN_KEY",
    "ADVANCE_REVISIONS",
    "DEAD_TUPLES",
    "CURRENT_TRANSACTION_ID",
    "HAS_OLDER_SNAPSHOTS",
    "SCRUBBED_TABLES",
    "SWITCH_WAL",
    "HAS_OLD_WAL",
    "IS_EMPTY",
    "NOW",
    "LOCK_LINKS",
    "LOCK_PARTITIONS",
    "DUE",
    "DUE_UNTIL",
    "LEAVE_GAPS",
    "LOCK_MIGRATION",
    "TRY_LOCK_MIGRATION",
    "MIGRATION_LOCK_HOLDER",
    "MISSING_RIGHTS",
    "WAIT_FOR_STANDBYS",
    "ROLE",
    "HAS_REVISION",
    "REVISION",
    "TRY_LOCK",
    "HAS_CITUS",
    "ANONYMIZATION_BACKLOG",
    "NEXT_RELEASE",
    "HAS_NEEDED_REVISION",
    "NEEDED_REVISION",
    "SET_NEEDED_REVISION",
}
"""Statements that do not concern a single tenant, so that $1 is not the tenant."""


def _statements() -> Iterator[tuple[str, str]]:
    for module in pkgutil.iter_modules(sql.__path__):
        if module.name in OF_AN_EXTENSION:
            continue
        content = vars(importlib.import_module(f"{sql.__name__}.{module.name}"))
        for name, value in content.items():
            is_statement = name.isupper() and not name.startswith("_") and name not in FRAGMENTS
            if is_statement and isinstance(value, str):
                yield name, _filled(name, value)


def _filled(name: str, statement: str) -> str:
    fields = {field for _, field, _, _ in Formatter().parse(statement) if field}
    if not fields:
        return statement
    samples = {**FORMAT_FIELDS, "name": TABLE_NAMES.get(name, FORMAT_FIELDS["name"])}
    return statement.format(**{field: samples[field] for field in fields})


STATEMENTS = dict(_statements())


def updates(statement: str) -> list[str]:
    """Return the parts of a statement that update rows, without string literals."""
    text = re.sub(r"'[^']*'", "''", statement)
    starts = re.finditer(r"\bupdate\s+(?:[\w\"]+\s+(?:as\s+\w+\s+)?)?set\b", text)
    return [_to_closing_parenthesis(text[start.start() :]) for start in starts]


def _to_closing_parenthesis(text: str) -> str:
    depth = 0
    for place, character in enumerate(text):
        depth += (character == "(") - (character == ")")
        if depth < 0:
            return text[:place]
    return text


def _is_preparable(statement: str) -> bool:
    return statement.split(maxsplit=1)[0] in PREPARABLE


@pytest.mark.parametrize("name", [n for n, text in STATEMENTS.items() if _is_preparable(text)])
async def test_a_statement_can_be_prepared(migrated_database: str, name: str) -> None:
    """PostgreSQL can prepare the statement, so that its tables, columns and types exist."""
    async with on(migrated_database) as connection:
        prepared = await connection.prepare(STATEMENTS[name])
        types = [parameter.name for parameter in prepared.get_parameters()]
    if name not in ACROSS_TENANTS:
        assert types[0] == "int4", "$1 is the tenant"


@pytest.mark.parametrize("name", [n for n, text in STATEMENTS.items() if not _is_preparable(text)])
async def test_a_script_can_be_executed(migrated_database: str, name: str) -> None:
    """A script that cannot be prepared, such as DDL, runs without an error."""
    outside_transaction = STATEMENTS[name].split(maxsplit=1)[0] in NO_TRANSACTION
    async with on(migrated_database) as connection:
        await connection.execute("select" if outside_transaction else "begin")
        await connection.execute(STATEMENTS[name])
        await connection.execute("select" if outside_transaction else "rollback")


async def test_updates_have_no_volatile_functions(migrated_database: str) -> None:
    """A distributed database rejects them, because its servers would have different values."""
    async with on(migrated_database) as connection:
        rows = await connection.fetch(
            "select distinct proname from pg_proc where provolatile = 'v'"
        )
    volatile = {name for (name,) in rows}
    assert volatile >= {"clock_timestamp", "random", "nextval", "gen_random_uuid"}
    found = {
        name: called
        for name, statement in STATEMENTS.items()
        for update in updates(statement)
        if (called := volatile & set(re.findall(r"(\w+)\s*\(", update)))
    }
    assert found == {}


def test_updates_are_found() -> None:
    """Also those of conflicts and in a common table expression; locks are not updates."""
    assert updates("update t set a = now()") == ["update t set a = now()"]
    assert updates("select random() from t for update") == []
    assert updates("insert into t values (random()) on conflict do update set a = f(1)") == [
        "update set a = f(1)"
    ]
    assert updates("with u as (update t as x set a = f((1)) where b) select random() from u") == [
        "update t as x set a = f((1)) where b"
    ]
    assert sum(len(updates(statement)) for statement in STATEMENTS.values()) > 25


def test_the_statements_of_all_modules_are_found() -> None:
    """The other tests cover all modules with statements."""
    modules = [module.name for module in pkgutil.iter_modules(sql.__path__)]
    assert len(modules) > 7
    assert len(STATEMENTS) > 50
    assert STATEMENTS.keys() >= ACROSS_TENANTS


async def test_primary_keys_begin_with_the_tenant(migrated_database: str) -> None:
    """The tenant is the first column of every primary key except four."""
    async with on(migrated_database) as connection:
        rows = await connection.fetch(
            "select table_name, column_name from information_schema.key_column_usage"
            " join information_schema.table_constraints using (constraint_name, table_name)"
            " where ordinal_position = 1 and constraint_type = 'PRIMARY KEY'"
            " and key_column_usage.table_schema = 'public'"
        )
    first = {table: column for table, column in rows if not table.startswith("request_ids_")}
    exceptions = {table: column for table, column in first.items() if column != "tenant"}
    assert exceptions == {
        "api_keys": "api_key",
        "keyring_keys": "key_id",
        "alembic_version": "version_num",
        "schema_compatibility": "needed_revision",
    }
    assert len(first) > 10
