"""What `hushpost doctor --database` says of the schema: its revisions, and its distribution."""

from hushpost_runtime.findings import Finding, Runbook, problem, warning, works
from hushpost_service.storage.revisions import target
from hushpost_service.storage.schema import AppliedSchema, SchemaError, is_migrated

__all__ = ["distribution_finding", "post_deploy_finding", "schema_finding"]

_DATABASE = "database"


def schema_finding(applied: AppliedSchema) -> Finding:
    """Check whether this release can work on a schema: then, the finding is OK."""
    try:
        needs_nothing = is_migrated(applied)
    except SchemaError as error:
        return problem(_DATABASE, f"{error}.", "Do not start this release on it.")
    if applied.revision is None:
        text = "The database has no schema yet."
        return warning(
            _DATABASE, text, "Run hushpost migrate, or hushpost serve, which creates it."
        )
    text = f"The schema has revision {applied.revision}"
    if applied.is_newer:
        return works(_DATABASE, f"{text} of a later release, which this release can use.")
    if needs_nothing:
        return works(_DATABASE, f"{text}.")
    return warning(_DATABASE, f"{text}.", "Run hushpost migrate, or restart hushpost serve.")


def post_deploy_finding(applied: AppliedSchema) -> Finding:
    """Check whether post-deploy revisions of this release wait, on a schema that it can use."""
    last = target(post_deploy=True)
    if is_migrated(applied, last):
        return works(_DATABASE, "No post-deploy migration is pending.")
    return warning(
        _DATABASE,
        f"Post-deploy migrations up to revision {last} are pending.",
        "When no process of an earlier release runs and you will not roll back, run hushpost "
        "migrate --post-deploy.",
        Runbook.PENDING_POST_DEPLOY,
    )


def distribution_finding(undistributed: list[str]) -> Finding:
    """Check whether all tables of tenants are distributed, in a distributed database."""
    if not undistributed:
        return works(_DATABASE, "All tables of tenants are distributed.")
    return problem(
        _DATABASE,
        f"Tables are not distributed: {', '.join(undistributed)}. No authority starts.",
        "Run hushpost distribute.",
        Runbook.PROCESS_DOWN,
    )
