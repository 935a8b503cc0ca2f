"""Queries about the branding of preference pages.

It is not part of a tenant's policies, because those are read on the way of every event, and a
logo is large.
"""

import json

from hushpost_service.domain.page_branding import PageBranding
from hushpost_service.storage.connection import Connection
from hushpost_service.storage.sql import page_brandings as sql

__all__ = ["page_branding", "set_page_branding"]


async def page_branding(connection: Connection, tenant: int) -> PageBranding:
    """Return the branding of a tenant's pages."""
    row = await connection.fetchrow(sql.PAGE_BRANDING, tenant)
    if row is None:
        return PageBranding()
    return PageBranding(
        accent_color=row["accent_color"],
        logo=row["logo"],
        imprint_url=row["imprint_url"],
        privacy_policy_url=row["privacy_policy_url"],
        intro=json.loads(row["intro"]),
        default_language=row["default_language"],
    )


async def set_page_branding(connection: Connection, tenant: int, branding: PageBranding) -> None:
    """Insert or replace the branding of a tenant's pages."""
    await connection.execute(
        sql.SET_PAGE_BRANDING,
        tenant,
        branding.accent_color,
        branding.logo,
        branding.imprint_url,
        branding.privacy_policy_url,
        json.dumps(dict(branding.intro)),
        branding.default_language,
    )
