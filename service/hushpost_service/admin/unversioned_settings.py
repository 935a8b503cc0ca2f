"""Changes the settings of a policy that have no versions: branding and default tracking domain.

Events do not depend on them, so the policies that are read for events leave them out.
"""

from dataclasses import replace

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.domain.page_branding import BrandingChange
from hushpost_service.domain.tracking_domain_names import checked_domain
from hushpost_service.storage import page_brandings, tracking_domains
from hushpost_service.storage.connection import Connection

__all__ = ["change_unversioned"]


async def change_unversioned(
    connection: Connection, tenant: int, branding: BrandingChange, default_domain: str | None
) -> None:
    """Change settings of a tenant whose row is locked, or new.

    Args:
        connection: A connection in a transaction.
        tenant: The tenant.
        branding: The new fields of the branding.
        default_domain: The new default tracking domain, empty for none; None keeps it.

    Raises DOMAIN_INVALID, DOMAIN_NOT_FOUND, DOMAIN_NOT_VERIFIED.
    """
    if branding:
        old = await page_brandings.page_branding(connection, tenant)
        await page_brandings.set_page_branding(connection, tenant, replace(old, **branding))
    if default_domain is not None:
        await tracking_domains.clear_default_domain(connection, tenant)
    if default_domain:
        await _set_default_domain(connection, tenant, checked_domain(default_domain))


async def _set_default_domain(connection: Connection, tenant: int, domain: str) -> None:
    if await tracking_domains.set_default_domain(connection, tenant, domain):
        return
    if await tracking_domains.domain(connection, tenant, domain) is None:
        raise HushpostError(
            Reason.DOMAIN_NOT_FOUND, "default_tracking_domain is no domain of the tenant"
        )
    raise HushpostError(
        Reason.DOMAIN_NOT_VERIFIED, f"{domain} is not verified: check the domain first"
    )
