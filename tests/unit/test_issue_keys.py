"""Issue keys, encrypted for API keys."""

import pytest
from cryptography.hazmat.primitives.keywrap import InvalidUnwrap

from hushpost_service.admin.secret import new_secret, secret_hash, wrapping_secret
from hushpost_service.tokens.issue_keys import (
    issue_key_digest,
    new_issue_key,
    unwrapped,
    wrapped,
)

CAMPAIGN = (7 << 40) + 3


def test_an_api_key_decrypts_what_was_encrypted_for_it() -> None:
    """The issue key comes back; its encryption does not contain it."""
    key, secret = new_issue_key(), wrapping_secret(new_secret())
    stored = wrapped(key, secret, CAMPAIGN)
    assert unwrapped(stored, secret, CAMPAIGN) == key
    assert key not in stored
    assert stored != wrapped(new_issue_key(), secret, CAMPAIGN)


def test_what_the_database_has_does_not_decrypt_it() -> None:
    """Neither the stored hash of the API key, nor another API key or campaign."""
    key, text = new_issue_key(), new_secret()
    stored = wrapped(key, wrapping_secret(text), CAMPAIGN)
    for secret, campaign in (
        (secret_hash(text), CAMPAIGN),
        (wrapping_secret(new_secret()), CAMPAIGN),
        (issue_key_digest(key), CAMPAIGN),
        (wrapping_secret(text), CAMPAIGN + 1),
    ):
        with pytest.raises(InvalidUnwrap):
            unwrapped(stored, secret, campaign)
