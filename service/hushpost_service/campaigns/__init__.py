"""Manages campaigns with their links and groups, and issues the tokens of their messages."""
