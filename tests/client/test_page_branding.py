"""The branding of preference pages: set, read, removed, and what it must be."""

import uuid
from dataclasses import replace
from typing import Any

import pytest

from hushpost_client import (
    ErrorReason,
    InvalidArgumentError,
    Mode,
    PageBranding,
    PolicyUpdate,
)
from tests.images import JPEG, PNG, SVG

BRANDING = PageBranding(
    accent_color="#0B57a4",
    logo=PNG,
    imprint_url="https://example.com/imprint",
    privacy_policy_url="https://example.com/privacy?lang=en",
    intro={"en": "Welcome.\nThis is yours.", "de-AT": "Servus!"},
    default_language="de",
)
STORED = replace(BRANDING, logo_media_type="image/png")


async def _branding(clients: Any) -> PageBranding:
    return (await clients.admin.admin.get_tenant()).policy.branding  # type: ignore[no-any-return]


async def _update(clients: Any, branding: PageBranding) -> PageBranding:
    tenant = await clients.admin.admin.update_policy(PolicyUpdate(branding=branding))
    return tenant.policy.branding  # type: ignore[no-any-return]


async def test_a_branding_is_stored(clients: Any) -> None:
    """A new tenant has none; all fields are returned as they were set."""
    assert await _branding(clients) == PageBranding()
    assert await _update(clients, BRANDING) == STORED
    assert await _branding(clients) == STORED


async def test_the_largest_branding_fits_into_a_request(clients: Any) -> None:
    """Logo, links and introductions of the maximum size are accepted together."""
    url = "https://example.com/".ljust(2048, "x")
    largest = PageBranding(
        logo=PNG.ljust(65_536, b"\0"),
        imprint_url=url,
        privacy_policy_url=url,
        intro={f"de-{number}": "x" * 2000 for number in range(20)},
    )
    assert await _update(clients, largest) == replace(largest, logo_media_type="image/png")


async def test_fields_are_changed_and_removed_one_by_one(clients: Any) -> None:
    """None keeps a field, and an empty value removes it."""
    await _update(clients, BRANDING)
    assert await _update(clients, PageBranding(logo=SVG)) == replace(
        STORED, logo=SVG, logo_media_type="image/svg+xml"
    )
    assert await _update(clients, PageBranding(logo=b"", intro={})) == replace(
        STORED, logo=None, logo_media_type=None, intro=None
    )


async def test_branding_and_policy_change_together(clients: Any) -> None:
    """Neither changes the other; the log of policies has no entry for the branding alone."""
    update = PolicyUpdate(branding=PageBranding(logo=JPEG), mode_when_unset=Mode.OFF)
    policy = (await clients.admin.admin.update_policy(update)).policy
    assert (policy.branding.logo, policy.mode_when_unset) == (JPEG, Mode.OFF)
    await _update(clients, PageBranding(accent_color="#000000"))
    changes = [change async for change in clients.admin.admin.list_policy_changes()]
    assert len(changes) == 2
    with pytest.raises(InvalidArgumentError):
        await clients.admin.admin.update_policy(
            PolicyUpdate(branding=PageBranding(logo=PNG), retention_days=100_000)
        )
    assert (await _branding(clients)).logo == JPEG


async def test_a_tenant_is_created_with_branding(clients: Any) -> None:
    """The first policy may have it; a repeated request with another logo is an error."""
    name, request = f"t{uuid.uuid4().hex[:12]}", uuid.uuid4()
    create = clients.installation.admin.create_tenant
    for _ in range(2):
        tenant = await create(name, policy=PolicyUpdate(branding=BRANDING), request_id=request)
        assert tenant.policy.branding == STORED
    other = PolicyUpdate(branding=replace(BRANDING, logo=JPEG))
    with pytest.raises(Exception, match="request_id") as caught:
        await create(name, policy=other, request_id=request)
    assert caught.value.reason is ErrorReason.REQUEST_ID_REUSED  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("branding", "field"),
    [
        (PageBranding(accent_color="red"), "accent_color"),
        (PageBranding(accent_color="#12345"), "accent_color"),
        (PageBranding(accent_color="#123456;}"), "accent_color"),
        (PageBranding(logo=b"GIF89a" + bytes(30)), "logo"),
        (PageBranding(logo=PNG + bytes(65_536)), "logo"),
        (PageBranding(imprint_url="http://example.com/"), "imprint_url"),
        (PageBranding(imprint_url="javascript:alert(1)"), "imprint_url"),
        (PageBranding(privacy_policy_url="/privacy"), "privacy_policy_url"),
        (
            PageBranding(privacy_policy_url="https://example.com/" + "x" * 2048),
            "privacy_policy_url",
        ),
        (PageBranding(intro={"de": ""}), "intro"),
        (PageBranding(intro={"": "text"}), "intro"),
        (PageBranding(intro={"not a tag": "text"}), "intro"),
        (PageBranding(intro={"de": "ä" * 1001}), "intro"),
        (PageBranding(intro={"de": "nul\0"}), "intro"),
        (PageBranding(intro={f"de-{number}": "x" for number in range(21)}), "intro"),
        (PageBranding(default_language="german language"), "default_language"),
    ],
)
async def test_an_invalid_field_is_named(clients: Any, branding: PageBranding, field: str) -> None:
    """Nothing is stored, and the error says which field is wrong."""
    with pytest.raises(InvalidArgumentError) as caught:
        await _update(clients, branding)
    assert caught.value.reason is ErrorReason.FIELD_INVALID
    assert caught.value.metadata["field"] == f"branding.{field}"
    assert await _branding(clients) == PageBranding()


async def test_only_preference_tokens_return_it(clients: Any) -> None:
    """A page gets the branding with the preference; a call with the contact's id does not."""
    await _update(clients, BRANDING)
    campaign = f"c-{uuid.uuid4().hex[:12]}"
    await clients.sender.campaigns.create_campaign(campaign, groups=["all"])
    issued = await clients.sender.campaigns.issue_tokens(
        campaign, "all", ["ann"], include_preference_tokens=True
    )
    token = issued.tokens[0].preference_token
    preferences = clients.sender.preferences
    page = await preferences.get_preference_by_token(token)
    assert page.recipient_view.branding == STORED
    assert (await preferences.get_preference("ann")).recipient_view is None
