"""Administers tenants, policies and API keys, and authenticates calls."""
