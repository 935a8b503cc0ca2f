"""Stores recipients' preferences, and anonymizes what was recorded before they opted out."""
