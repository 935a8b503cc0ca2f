"""Keeps the local copy of links in sync with the authority."""

import asyncio
import sqlite3
from contextlib import aclosing

import structlog

from hushpost_client import ErrorReason, HushpostError, Tracking
from hushpost_edge import metrics
from hushpost_edge.link_store import LinkStore
from hushpost_edge.sqlite import error_name

__all__ = ["sync_links"]

_log = structlog.get_logger(__name__)

_RETRY_SECONDS = 10.0


async def sync_links(store: LinkStore, tracking: Tracking) -> None:
    """Store all links that the authority streams, until cancelled.

    After an interruption, resumes from the last stored cursor. The client resumes the
    stream by itself while the authority is UNAVAILABLE.
    """
    try:
        cursor = store.cursor()
    except sqlite3.Error:
        cursor = None  # on a full disk, the file could not be created yet
    while True:
        try:
            async with aclosing(tracking.watch_links(cursor)) as updates:
                async for update in updates:
                    await asyncio.to_thread(
                        store.apply,
                        update.links,
                        update.cursor,
                        is_complete=update.snapshot_complete,
                    )
                    cursor = update.cursor
                    metrics.LINKS.inc(len(update.links))
        except HushpostError as error:
            if error.reason == ErrorReason.CURSOR_INVALID:
                cursor = None
            _log.error(
                "watching links failed; will retry",
                reason=error.reason,
                cause=type(error).__name__,
                call_id=error.call_id,
            )
        except (sqlite3.Error, OSError) as error:
            _log.error("storing links failed; will retry", cause=error_name(error))
        await asyncio.sleep(_RETRY_SECONDS)
