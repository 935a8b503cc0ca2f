"""Releases anonymous counts on the dates of their campaigns' schedules."""
