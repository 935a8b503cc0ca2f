"""Ways in which contact data could get into a log, each as a short program.

Each program puts the word "canary" where contact data could be. A test runs it in a
process that has configured logging, and checks that the word is not in the output.
"""

import json
import os
import subprocess
import sys

__all__ = ["LEAKS", "run_leak"]

_PREAMBLE = """
import asyncio, gc, logging, threading
import structlog
log = structlog.get_logger("a")
def fail(value):
    secret = "canary " + value
    raise ValueError(secret)
"""

LEAKS = {
    "fields": "log.info('canaries', contact_id='canary', token='canary', detail='canary')",
    "exception as argument": "log.error('x', exc_info=ValueError('canary'))",
    "handled exception": """
try: fail("canary")
except ValueError: log.exception("x")
""",
    "stack": "canary = 1; log.info('x', stack_info=True)",
    "library message": "logging.getLogger('library').error('canary')",
    "library arguments": "logging.getLogger('library').error('of %s', 'canary')",
    "library extras": "logging.getLogger('library').error('x', extra={'contact': 'canary'})",
    "library exception": """
try: fail("canary")
except ValueError: logging.getLogger('library').exception("canary")
""",
    "task that is never awaited": """
async def main():
    async def work(): fail("canary")
    task = asyncio.ensure_future(work())
    await asyncio.sleep(0)
    del task
    gc.collect()
asyncio.run(main())
""",
    "callback of the event loop": """
async def main():
    asyncio.get_running_loop().call_soon(fail, "canary")
    await asyncio.sleep(0.01)
asyncio.run(main())
""",
    "thread": """
thread = threading.Thread(target=fail, args=("canary",)); thread.start(); thread.join()
""",
    "finalizer": """
class Dying:
    def __del__(self): fail("canary")
Dying()
""",
    "detail of a PostgreSQL error": """
import asyncpg
error = asyncpg.UniqueViolationError("canary")
error.detail = "Key (contact_id)=(canary) already exists."
try: raise error
except asyncpg.PostgresError as error: log.error("x", exc_info=error, cause=type(error).__name__)
""",
    "uncaught exception": "fail('canary')",
}


def run_leak(
    configure: str, program: str, **environment: str
) -> tuple[str, list[dict[str, object]]]:
    """Run a program after some code that configures logging; return its log, raw and parsed."""
    done = subprocess.run(
        [sys.executable, "-c", configure + _PREAMBLE + program],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        check=False,
        timeout=30,
    )
    assert not done.stdout
    return done.stderr, [json.loads(line) for line in done.stderr.splitlines()]
