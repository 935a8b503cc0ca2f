"""The addresses of campaigns: any id survives a browser and a server."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_dashboard.campaign_address import (
    CampaignDocument,
    campaign_path,
    parse_campaign_path,
)


def _parse(address: str) -> tuple[str, CampaignDocument] | None:
    parts = urlsplit(address)
    return parse_campaign_path(parts.path.encode(), dict(parse_qsl(parts.query)))


IDS = st.text(st.characters(exclude_categories=["Cs", "Cc"]), min_size=1, max_size=40)


@given(IDS, st.sampled_from(CampaignDocument))
def test_every_id_comes_back(campaign_id: str, document: CampaignDocument) -> None:
    """Every id is one segment of printable ASCII."""
    address = campaign_path(campaign_id, document)
    assert address.isascii()
    assert _parse(address) == (campaign_id, document)


@pytest.mark.parametrize(
    "campaign_id",
    [".", "..", "...", "a/b", "a/../b", "/", "x.csv", "x.json", "a/print", "print", "%2F", "%",
     "a?b#c", "a\\b", "-", 'say "hi"', "<script>", "日本語", "🎉", "a b", "x.csv.csv"],
)  # fmt: skip
@pytest.mark.parametrize("document", list(CampaignDocument))
def test_unusual_ids(campaign_id: str, document: CampaignDocument) -> None:
    """An id that looks like a part of an address is not taken for one."""
    address = campaign_path(campaign_id, document)
    assert _parse(address) == (campaign_id, document)
    # Browsers resolve these, encoded or not (URL Standard, "double-dot path segment").
    segments = urlsplit(address).path.lower().replace("%2e", ".").split("/")
    assert not {".", ".."} & set(segments)


def test_addresses_are_readable() -> None:
    """Usual ids are not encoded."""
    assert campaign_path("spring-sale_2026.v1") == "/campaigns/spring-sale_2026.v1"
    assert campaign_path("spring", CampaignDocument.CSV) == "/campaigns/spring.csv"
    assert campaign_path("spring", CampaignDocument.EVENTS) == "/campaigns/spring/events"


@pytest.mark.parametrize("path", [b"/campaigns/", b"/campaigns/.csv", b"/campaigns/%ff"])
def test_addresses_without_an_id(path: bytes) -> None:
    """They name no campaign."""
    assert parse_campaign_path(path, {}) is None
