"""Tenants, policies and API keys."""
