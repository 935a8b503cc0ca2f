# Generated from _async/__init__.py by `make sync-client`; do not edit.
"""The synchronous client, generated from the asynchronous one in `_async`."""
