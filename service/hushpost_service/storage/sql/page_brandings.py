"""Statements about the branding of preference pages."""

# Selects the branding of a tenant's pages.
PAGE_BRANDING = """
select accent_color, logo, imprint_url, privacy_policy_url, intro, default_language
from page_brandings
where tenant = $1
"""

# Inserts or replaces the branding of a tenant's pages.
SET_PAGE_BRANDING = """
insert into page_brandings (
    tenant, accent_color, logo, imprint_url, privacy_policy_url, intro, default_language
)
values ($1, $2, $3, $4, $5, $6, $7)
on conflict (tenant) do update set
    accent_color = excluded.accent_color,
    logo = excluded.logo,
    imprint_url = excluded.imprint_url,
    privacy_policy_url = excluded.privacy_policy_url,
    intro = excluded.intro,
    default_language = excluded.default_language
"""
