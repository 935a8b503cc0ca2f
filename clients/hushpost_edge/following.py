"""Follows the links of all campaigns, for ever."""

import asyncio
import sqlite3
from contextlib import aclosing

import structlog

from hushpost_client import ErrorReason, HushpostError, Tracking
from hushpost_edge import metrics
from hushpost_edge.links import LinkStore

__all__ = ["follow_links"]

_log = structlog.get_logger(__name__)

_SLOW_SECONDS = 10.0


async def follow_links(store: LinkStore, tracking: Tracking) -> None:
    """Keep the store current; go on from the last cursor after a break."""
    cursor = store.cursor()
    while True:
        try:
            async with aclosing(tracking.watch_links(cursor)) as updates:
                async for update in updates:
                    await asyncio.to_thread(
                        store.follow,
                        update.links,
                        update.cursor,
                        is_complete=update.snapshot_complete,
                    )
                    cursor = update.cursor
                    metrics.LINKS.inc(len(update.links))
        except HushpostError as error:
            if error.reason == ErrorReason.CURSOR_INVALID:
                cursor = ""
            # Being UNAVAILABLE is no reason to end up here: the client waits that out.
            _log.error("links are not followed", reason=error.reason, cause=type(error).__name__)
        except sqlite3.Error as error:
            _log.error("links are not kept", cause=error.sqlite_errorname)
        await asyncio.sleep(_SLOW_SECONDS)
