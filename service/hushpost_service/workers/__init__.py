"""Runs several processes that serve the same addresses (`hushpost serve --workers`)."""

from hushpost_service.workers.supervisor import WorkerError, serve_with_workers

__all__ = ["WorkerError", "serve_with_workers"]
