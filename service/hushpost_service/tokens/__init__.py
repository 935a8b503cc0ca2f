"""Tokens: their format, the keys they are sealed with, and AES-SIV."""
