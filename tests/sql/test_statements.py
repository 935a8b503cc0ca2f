"""Every statement of the service, against the schema that the migrations make."""

import importlib
import pkgutil
from collections.abc import Iterator
from datetime import UTC, datetime
from string import Formatter

import pytest

from hushpost_service.storage import sql
from hushpost_service.storage.database import BEGIN
from tests.inspection import on

SAMPLES = {
    "begin": BEGIN,
    "lock": 4711,
    "tenant": 1,
    "name": "events_2001_02",
    "start": datetime(2001, 2, 1, tzinfo=UTC),
    "end": datetime(2001, 3, 1, tzinfo=UTC),
    "period": 1600,
    "milliseconds": 100,
}
"""What stands in for the fields of statements that are format strings."""

NAMES = {
    "CREATE_REQUEST_IDS_PARTITION": "request_ids_1600",
    "IS_EMPTY": "events",
    "DROP_PARTITION": "request_ids",
    "VACUUM_FULL": "anonymization_jobs",
    "CLUSTER": "counters",
    "EQUALIZE_XMIN": "counters",
}
"""Other names of tables."""

OUTSIDE = ("vacuum", "checkpoint")
"""What statements begin with that must not run in a transaction."""

FRAGMENTS = {"CLAIM", "SLOT_BITS_CTIDS"}
"""Parts of statements."""

PREPARED = ("select", "insert", "update", "delete", "with")

ACROSS_TENANTS = {
    "INSERT_TENANT",
    "TENANT",
    "TENANT_IDS",
    "API_KEY_BY_HASH",
    "API_KEY",
    "REVOKE_API_KEY",
    "DELETE_API_KEY",
    "LINKS_SINCE",
    "LAST_REVISION",
    "TENANTS_WITH_JOBS",
    "PARTITIONS",
    "SETTINGS",
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
    "LOCK_PUBLICATION",
}
"""Statements that are not about one tenant, as their comments say."""


def _statements() -> Iterator[tuple[str, str]]:
    for module in pkgutil.iter_modules(sql.__path__):
        content = vars(importlib.import_module(f"{sql.__name__}.{module.name}"))
        for name, value in content.items():
            if name.isupper() and isinstance(value, str) and name not in FRAGMENTS:
                yield name, _filled(name, value)


def _filled(name: str, statement: str) -> str:
    fields = {field for _, field, _, _ in Formatter().parse(statement) if field}
    if not fields:
        return statement
    samples = {**SAMPLES, "name": NAMES.get(name, SAMPLES["name"])}
    return statement.format(**{field: samples[field] for field in fields})


STATEMENTS = dict(_statements())


def _is_prepared(statement: str) -> bool:
    return statement.split(maxsplit=1)[0] in PREPARED


@pytest.mark.parametrize("name", [n for n, text in STATEMENTS.items() if _is_prepared(text)])
async def test_a_statement_suits_the_schema(migrated: str, name: str) -> None:
    """PostgreSQL accepts the statement as it stands: each table, column and type exists."""
    async with on(migrated) as connection:
        prepared = await connection.prepare(STATEMENTS[name])
        types = [parameter.name for parameter in prepared.get_parameters()]
    if name not in ACROSS_TENANTS:
        assert types[0] == "int4", "$1 is the tenant"


@pytest.mark.parametrize("name", [n for n, text in STATEMENTS.items() if not _is_prepared(text)])
async def test_a_script_suits_the_schema(migrated: str, name: str) -> None:
    """What cannot be prepared, for it begins or defines something, runs."""
    is_outside = STATEMENTS[name].split(maxsplit=1)[0] in OUTSIDE
    async with on(migrated) as connection:
        await connection.execute("select" if is_outside else "begin")
        await connection.execute(STATEMENTS[name])
        await connection.execute("select" if is_outside else "rollback")


def test_all_statements_are_found() -> None:
    """The statements are looked for where they stand: none of the areas is empty."""
    areas = [module.name for module in pkgutil.iter_modules(sql.__path__)]
    assert len(areas) > 7
    assert len(STATEMENTS) > 50
    assert STATEMENTS.keys() >= ACROSS_TENANTS


async def test_everything_is_keyed_by_tenant_first(migrated: str) -> None:
    """Each table's key begins with the tenant, so that the schema can be distributed by it."""
    async with on(migrated) as connection:
        rows = await connection.fetch(
            "select table_name, column_name from information_schema.key_column_usage"
            " join information_schema.table_constraints using (constraint_name, table_name)"
            " where ordinal_position = 1 and constraint_type = 'PRIMARY KEY'"
            " and key_column_usage.table_schema = 'public'"
        )
    first = {table: column for table, column in rows if not table.startswith("request_ids_")}
    keyed_else = {table: column for table, column in first.items() if column != "tenant"}
    assert keyed_else == {"api_keys": "api_key", "alembic_version": "version_num"}
    assert len(first) > 10
