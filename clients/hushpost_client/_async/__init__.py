"""The asynchronous client, from which the synchronous one in `_sync` is generated."""
