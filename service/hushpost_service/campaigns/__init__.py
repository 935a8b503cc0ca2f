"""Campaigns, their links and groups, and the tokens of their messages."""
