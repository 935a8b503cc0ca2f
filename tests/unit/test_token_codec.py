"""Tokens and the keyring."""

import base64
import stat
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESSIV
from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.domain.errors import HushpostError, Reason
from hushpost_service.tokens.codec import (
    NO_CONTACT,
    NO_SLOT,
    TokenCodec,
    TrackingToken,
    campaign_number,
    campaign_of,
    tenant_of,
)
from hushpost_service.tokens.keyring import Keyring, KeyringError

KEYRING = Keyring.generate()
SEALER = TokenCodec(KEYRING)

ALL_TENANTS = range(2**24)
tenants = st.integers(1, 2**23 - 1)
tokens = st.builds(
    TrackingToken,
    campaign=st.builds(campaign_number, tenants, st.integers(0, 2**40 - 1)),
    contact=st.integers(0, 2**63 - 1),
    group=st.integers(1, 2**24 - 1),
    slot=st.integers(0, 2**31 - 1) | st.just(NO_SLOT),
    purpose=st.integers(0, 2),
)
URL_SAFE = set("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_")


def reason_of(text: str, sealer: TokenCodec = SEALER) -> Reason:
    """Return why a tracking token is rejected."""
    with pytest.raises(HushpostError) as caught:
        sealer.open(text)
    return caught.value.reason


def opened_together(texts: list[str]) -> list[TrackingToken | None]:
    """Open tokens as a batch; return None for each invalid one."""
    parts, is_open, unknown = SEALER.open_batch(texts, ALL_TENANTS)
    assert not unknown
    return [
        TrackingToken(*token) if good else None
        for token, good in zip(parts.tolist(), is_open.tolist(), strict=True)
    ]


@given(tokens)
def test_a_token_opens_to_what_was_sealed(token: TrackingToken) -> None:
    """Sealing and opening are inverse; a token has 56 characters that need no quoting."""
    text = SEALER.seal(token)
    assert SEALER.open(text) == token
    assert len(text) == 56
    assert set(text) <= URL_SAFE


texts_like_tokens = st.one_of(
    tokens.map(SEALER.seal),
    st.text("Aab+/_-=é", max_size=60),
    st.text("Aab+/_-=é\n\x00", min_size=56, max_size=56),
    st.builds(
        lambda token, at, text: (token[:at] + text + token[at + len(text) :])[:56],
        tokens.map(SEALER.seal),
        st.integers(0, 55),
        st.text(min_size=1, max_size=3) | st.sampled_from(("=", "==", "===", "A=", "A==")),
    ),
)


@given(st.lists(texts_like_tokens, min_size=1))
def test_a_batch_opens_as_each_token_does(texts: list[str]) -> None:
    """Opening a batch yields the same results as opening each token."""
    alone: list[TrackingToken | None] = []
    for text in texts:
        try:
            alone.append(SEALER.open(text))
        except HushpostError:
            alone.append(None)
    assert opened_together(texts) == alone


@pytest.mark.parametrize("padding", ["=", "==", "==="])
def test_a_token_that_ends_in_padding_does_not_affect_its_batch(padding: str) -> None:
    """A token of the right length that ends in padding is invalid; the others open."""
    good = TrackingToken(campaign_number(1, 1), 1, 1, 1)
    text = SEALER.seal(good)
    padded = text[: -len(padding)] + padding
    assert opened_together([text, padded, text]) == [good, None, good]
    assert opened_together([text, text, padded]) == [good, good, None]
    assert reason_of(padded) is Reason.TOKEN_INVALID
    with pytest.raises(HushpostError):
        campaign_of(padded[:13] + "===")


def test_tokens_of_unknown_tenants_are_reported_and_not_opened() -> None:
    """No key is derived for tenants that the caller does not know; other tokens open."""
    known, unknown = (TrackingToken(campaign_number(tenant, 1), 1, 1, 1) for tenant in (1, 2))
    opened = SEALER.open_batch([SEALER.seal(unknown), SEALER.seal(known)], {1})
    assert opened.is_valid.tolist() == [False, True]
    assert opened.unknown_tenants == {2}
    assert opened.contents.tolist() == [[0] * 5, list(known)]


def test_forged_tokens_evict_no_key() -> None:
    """Only a token that opens puts a key into the cache, so that forgeries cannot flush it."""
    sealer = TokenCodec(KEYRING)
    good = SEALER.seal(TrackingToken(campaign_number(1, 1), 1, 1, 1))
    sealer.open(good)
    sealer.open_batch([good], {1})
    before = sealer.cached_keys
    for tenant in range(2, 50):
        forged = SEALER.seal(TrackingToken(campaign_number(tenant, 1), 1, 1, 1))
        forged = forged[:-1] + ("A" if forged[-1] != "A" else "B")
        sealer.open_batch([forged], {1})
        with pytest.raises(HushpostError):
            sealer.open(forged)
    assert sealer.cached_keys == before == 2


@given(st.lists(tokens, min_size=2, max_size=5), st.integers(0, 55), st.data())
def test_an_invalid_token_does_not_affect_its_batch(
    good: list[TrackingToken], place: int, data: st.DataObject
) -> None:
    """If one token of a batch was changed, the others still open."""
    texts = [SEALER.seal(token) for token in good]
    spoilt = data.draw(st.integers(0, len(texts) - 1))
    letter = data.draw(st.sampled_from(sorted(URL_SAFE - {texts[spoilt][place]})))
    texts[spoilt] = texts[spoilt][:place] + letter + texts[spoilt][place + 1 :]
    opened = opened_together(texts)
    assert opened == [None if at == spoilt else token for at, token in enumerate(good)]


@given(tokens)
def test_the_token_format(token: TrackingToken) -> None:
    """Version, key id and campaign number are unencrypted, at the documented offsets."""
    raw = base64.urlsafe_b64decode(SEALER.seal(token))
    assert len(raw) == 42
    assert raw[0] == 1
    assert raw[1] == KEYRING.active
    assert int.from_bytes(raw[2:10]) == token.campaign
    assert campaign_of(SEALER.seal(token)) == token.campaign


@given(tokens)
def test_the_sealed_part_of_a_token(token: TrackingToken) -> None:
    """The sealed part has the documented fields, and opens with any AES-SIV."""
    raw = base64.urlsafe_b64decode(SEALER.seal(token))
    key = KEYRING.key(raw[1], "tracking token", tenant_of(token.campaign))
    body = AESSIV(key).decrypt(raw[10:], [raw[:10]])
    assert int.from_bytes(body[:8]) == token.contact
    assert body[8] == token.purpose
    assert int.from_bytes(body[9:12]) == token.group
    assert int.from_bytes(body[12:]) == token.slot


@given(tokens, st.lists(st.tuples(st.integers(0, 2**63 - 1), st.integers(0, 2)), min_size=1))
def test_each_token_of_a_batch_has_its_purpose(
    token: TrackingToken, messages: list[tuple[int, int]]
) -> None:
    """A batch seals the same tokens as single calls."""
    contacts, purposes = zip(*messages, strict=True)
    slots = [token.slot] * len(messages)
    sealed = SEALER.seal_batch(token.campaign, token.group, contacts, slots, purposes)
    assert sealed == [
        SEALER.seal(token._replace(contact=contact, purpose=purpose))
        for contact, purpose in messages
    ]


@given(tokens)
def test_aggregate_tokens_of_a_group_are_identical(token: TrackingToken) -> None:
    """Sealing is deterministic, so a shared token cannot identify a recipient."""
    shared = token._replace(contact=NO_CONTACT, slot=NO_SLOT)
    assert SEALER.seal(shared) == TokenCodec(KEYRING).seal(shared)


@given(tokens, st.integers(0, 55), st.sampled_from(sorted(URL_SAFE)))
def test_a_changed_character_invalidates_a_token(
    token: TrackingToken, at: int, character: str
) -> None:
    """Any other text of the same length is rejected; only a key id has another reason."""
    text = SEALER.seal(token)
    changed = text[:at] + character + text[at + 1 :]
    if changed != text:
        version, key_id = base64.urlsafe_b64decode(changed)[:2]
        is_unknown = version == 1 and key_id not in {0, *KEYRING.secrets}
        reason = Reason.TOKEN_KEY_UNKNOWN if is_unknown else Reason.TOKEN_INVALID
        assert reason_of(changed) is reason


@given(st.text(max_size=80))
def test_arbitrary_text_is_rejected_for_the_same_reason(text: str) -> None:
    """Every text that is no token is TOKEN_INVALID."""
    assert reason_of(text) is Reason.TOKEN_INVALID


@given(tokens)
def test_other_encodings_of_a_token_are_rejected(token: TrackingToken) -> None:
    """Padding and the standard base64 alphabet are rejected, so that a token has one spelling."""
    text = SEALER.seal(token)
    assert reason_of(text + "==") is Reason.TOKEN_INVALID
    standard = text.replace("-", "+").replace("_", "/")
    if standard != text:
        assert reason_of(standard) is Reason.TOKEN_INVALID


@given(tokens, tenants)
def test_a_token_is_invalid_for_another_tenant(token: TrackingToken, tenant: int) -> None:
    """Each tenant has its own keys, so a token is invalid under another tenant's campaign."""
    raw = bytearray(base64.urlsafe_b64decode(SEALER.seal(token)))
    other = campaign_number(tenant, token.campaign & (2**40 - 1))
    raw[2:10] = other.to_bytes(8)
    if other != token.campaign:
        assert reason_of(base64.urlsafe_b64encode(raw).decode()) is Reason.TOKEN_INVALID


@given(tenants, st.integers(1, 2**63 - 1))
def test_preference_and_tracking_tokens_are_not_interchangeable(tenant: int, contact: int) -> None:
    """A preference token does not open as a tracking token, or vice versa."""
    (text,) = SEALER.seal_preferences(tenant, [contact])
    assert SEALER.open_preference(text) == (tenant, contact)
    assert reason_of(text) is Reason.TOKEN_INVALID
    with pytest.raises(HushpostError, match="is invalid"):
        SEALER.open_preference(
            SEALER.seal(TrackingToken(campaign_number(tenant, 1), contact, 1, 1))
        )


@given(tenants, st.lists(st.integers(1, 2**63 - 1), min_size=1, max_size=5))
def test_preference_tokens_sealed_as_a_batch(tenant: int, contacts: list[int]) -> None:
    """Preference tokens of a batch have 46 characters and open to their contacts in order."""
    texts = SEALER.seal_preferences(tenant, contacts)
    assert [SEALER.open_preference(text) for text in texts] == [(tenant, n) for n in contacts]
    assert {len(text) for text in texts} == {46}


@given(tenants, st.integers(1, 2**63 - 1), st.integers(0, 45), st.sampled_from(sorted(URL_SAFE)))
def test_preference_tokens_have_one_spelling(
    tenant: int, contact: int, at: int, character: str
) -> None:
    """Even the last character, with its unused bits, cannot be changed."""
    (text,) = SEALER.seal_preferences(tenant, [contact])
    changed = text[:at] + character + text[at + 1 :]
    if changed != text:
        with pytest.raises(HushpostError):
            SEALER.open_preference(changed)


@given(tokens)
def test_rotation_keeps_old_tokens_readable(token: TrackingToken) -> None:
    """Tokens sealed before a rotation stay valid; new tokens use the new key once it is active."""
    with_new_key = KEYRING.with_new_key()
    assert TokenCodec(with_new_key).seal(token) == SEALER.seal(token)
    rotated = TokenCodec(with_new_key.activated(2))
    assert TokenCodec(with_new_key).open(rotated.seal(token)) == token
    assert rotated.open(SEALER.seal(token)) == token
    assert rotated.seal(token) != SEALER.seal(token)
    assert reason_of(rotated.seal(token)) is Reason.TOKEN_KEY_UNKNOWN


@given(tenants, st.integers(0, 2**40 - 1))
def test_a_campaign_number_contains_its_tenant(tenant: int, serial: int) -> None:
    """The upper bits of a campaign number are its tenant; it fits a signed 64-bit integer."""
    number = campaign_number(tenant, serial)
    assert tenant_of(number) == tenant
    assert 0 < number < 2**63


def test_a_keyring_is_saved_and_loaded(tmp_path: Path) -> None:
    """Loading returns the saved keyring; only the owner can read the file."""
    path = tmp_path / "keyring.json"
    KEYRING.with_new_key().activated(2).save(path)
    loaded = Keyring.load(path)
    assert loaded.active == 2
    assert loaded.secrets[1] == KEYRING.secrets[1]
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"active": 1, "secrets": {}}',
        '{"active": 1, "secrets": {"1": "c2hvcnQ="}}',
        '{"active": 2, "secrets": {"1": "' + base64.b64encode(bytes(32)).decode() + '"}}',
        '{"active": 300, "secrets": {"300": "' + base64.b64encode(bytes(32)).decode() + '"}}',
    ],
)
def test_a_malformed_keyring_is_rejected_without_quoting_it(tmp_path: Path, content: str) -> None:
    """The error names the file but quotes no content."""
    path = tmp_path / "keyring.json"
    path.touch(0o600)
    path.write_text(content)
    with pytest.raises(KeyringError) as caught:
        Keyring.load(path)
    assert str(caught.value) == f"the keyring {path} is malformed"


def test_a_missing_keyring_is_reported(tmp_path: Path) -> None:
    """The error names the missing file."""
    with pytest.raises(KeyringError, match=r"nowhere\.json"):
        Keyring.load(tmp_path / "nowhere.json")
