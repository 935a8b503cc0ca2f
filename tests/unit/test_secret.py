"""The format of API keys."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hushpost_service.admin.secret import is_well_formed, new_secret


def test_new_secrets_are_well_formed_and_differ() -> None:
    """A new secret has the documented format."""
    secrets = {new_secret() for _ in range(1000)}
    assert len(secrets) == 1000
    assert all(re.fullmatch(r"hp_[A-Za-z0-9_-]{48}", secret) for secret in secrets)
    assert all(map(is_well_formed, secrets))


@given(st.integers(0, 50), st.characters())
def test_a_changed_character_is_noticed(position: int, character: str) -> None:
    """No typing error of one character is looked up in the database."""
    secret = new_secret()
    changed = secret[:position] + character + secret[position + 1 :]
    assert is_well_formed(changed) == (changed == secret)


@pytest.mark.parametrize("text", ["", "hp_", "hp_" + "A" * 43, "hp_" + "A" * 48, "x" * 10_000])
def test_other_texts_are_not_well_formed(text: str) -> None:
    """Keys of another length or without a valid checksum are malformed."""
    assert not is_well_formed(text)
