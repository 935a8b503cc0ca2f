"""After a restore, new messages get indexes that no lost message had."""

import pytest

from hushpost_service.storage.database import Database
from hushpost_service.storage.issuing import leave_gaps

TENANT, CAMPAIGN = 3, (3 << 40) + 1


@pytest.mark.parametrize(
    ("expected", "issued", "after"),
    [
        (1, 0, 16 * 4096),
        (4096, 4095, 16 * 4096),
        (4096, 4096, 17 * 4096),
        (4097, 100, 16 * 8192),
        (16_384, 20_000, 17 * 16_384),
        (2**22, 5, 16 * 2**22),
        (2**22 + 1, 5, 2 * 2**23),
    ],
)
async def test_a_gap_begins_with_another_part(
    database: Database, expected: int, issued: int, after: int
) -> None:
    """The next message is the first of a part, 16 (or 2) parts further on."""
    async with database.connection("test") as connection:
        await connection.execute(
            "insert into campaign_groups"
            " (tenant, campaign, group_number, group_id, max_mode, expected_messages, issued)"
            " values ($1, $2, 1, 'readers', 1, $3, $4)"
            " on conflict (tenant, campaign, group_number)"
            " do update set expected_messages = $3, issued = $4",
            TENANT,
            CAMPAIGN,
            expected,
            issued,
        )
        await leave_gaps(connection)
        found = await connection.fetchval(
            "select issued from campaign_groups where tenant = $1 and campaign = $2",
            TENANT,
            CAMPAIGN,
        )
    assert found == after
