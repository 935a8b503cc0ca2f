"""Tokens: their format, the keyring, and AES-SIV."""
