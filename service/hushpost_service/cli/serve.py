"""The command `hushpost serve`."""

from pathlib import Path
from typing import Annotated

import typer

from hushpost_runtime.logging import configure_logging
from hushpost_runtime.settings import SettingsError, option_help
from hushpost_runtime.traces_setting import check_traces
from hushpost_service.app import serve
from hushpost_service.cli.invocation import DataDir, KeyringFile, fail, run, settings_of
from hushpost_service.settings import Settings
from hushpost_service.workers import serve_with_workers

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("serve")(_serve)


def _serve(
    listen: Annotated[str | None, typer.Option(help=option_help(Settings, "listen"))] = None,
    transport: Annotated[str | None, typer.Option(help=option_help(Settings, "transport"))] = None,
    data_dir: DataDir = None,
    keyring: KeyringFile = None,
    migrate: Annotated[
        bool | None, typer.Option("--migrate/--no-migrate", help=option_help(Settings, "migrate"))
    ] = None,
    workers: Annotated[int | None, typer.Option(help=option_help(Settings, "workers"))] = None,
    connections: Annotated[
        int | None, typer.Option(help=option_help(Settings, "connections"))
    ] = None,
    max_calls: Annotated[int | None, typer.Option(help=option_help(Settings, "max_calls"))] = None,
    max_queued_events: Annotated[
        int | None, typer.Option(help=option_help(Settings, "max_queued_events"))
    ] = None,
    max_connection_seconds: Annotated[
        float | None, typer.Option(help=option_help(Settings, "max_connection_seconds"))
    ] = None,
    cpu: Annotated[int | None, typer.Option(help=option_help(Settings, "cpu"))] = None,
    max_epsilon: Annotated[
        float | None, typer.Option(help=option_help(Settings, "max_epsilon"))
    ] = None,
    allow_exact: Annotated[
        bool | None, typer.Option("--allow-exact", help=option_help(Settings, "allow_exact"))
    ] = None,
    edge_host: Annotated[str | None, typer.Option(help=option_help(Settings, "edge_host"))] = None,
    dns_server: Annotated[
        str | None, typer.Option(help=option_help(Settings, "dns_server"))
    ] = None,
    health_listen: Annotated[
        str | None, typer.Option(help=option_help(Settings, "health_listen"))
    ] = None,
    metrics_listen: Annotated[
        str | None, typer.Option(help=option_help(Settings, "metrics_listen"))
    ] = None,
    metrics_seconds: Annotated[
        float | None, typer.Option(help=option_help(Settings, "metrics_seconds"))
    ] = None,
    tls_certificate: Annotated[
        Path | None, typer.Option(help=option_help(Settings, "tls_certificate"))
    ] = None,
    tls_key: Annotated[Path | None, typer.Option(help=option_help(Settings, "tls_key"))] = None,
    tls_client_ca: Annotated[
        Path | None, typer.Option(help=option_help(Settings, "tls_client_ca"))
    ] = None,
    mtls_listen: Annotated[
        str | None, typer.Option(help=option_help(Settings, "mtls_listen"))
    ] = None,
    mtls_roles: Annotated[
        str | None, typer.Option(help=option_help(Settings, "mtls_roles"))
    ] = None,
    insecure: Annotated[
        bool | None, typer.Option("--insecure", help=option_help(Settings, "insecure"))
    ] = None,
    shutdown_seconds: Annotated[
        float | None, typer.Option(help=option_help(Settings, "shutdown_seconds"))
    ] = None,
    opt_out_step_seconds: Annotated[
        float | None, typer.Option(help=option_help(Settings, "opt_out_step_seconds"))
    ] = None,
    log_level: Annotated[str | None, typer.Option(help=option_help(Settings, "log_level"))] = None,
) -> None:
    """Run the authority until SIGTERM or Ctrl-C.

    Uses the database of HUSHPOST_DATABASE_URL (an environment variable only,
    because it may contain a password), or an embedded one in --data-dir.
    Migrates the schema, unless --no-migrate is given. The first start on an empty
    database also creates the keyring.
    """
    settings = settings_of(
        listen=listen,
        transport=transport,
        data_dir=data_dir,
        keyring=keyring,
        migrate=migrate,
        workers=workers,
        connections=connections,
        max_calls=max_calls,
        max_queued_events=max_queued_events,
        max_connection_seconds=max_connection_seconds,
        cpu=cpu,
        max_epsilon=max_epsilon,
        allow_exact=allow_exact,
        edge_host=edge_host,
        dns_server=dns_server,
        health_listen=health_listen,
        metrics_listen=metrics_listen,
        metrics_seconds=metrics_seconds,
        tls_certificate=tls_certificate,
        tls_key=tls_key,
        tls_client_ca=tls_client_ca,
        mtls_listen=mtls_listen,
        mtls_roles=mtls_roles,
        insecure=insecure,
        shutdown_seconds=shutdown_seconds,
        opt_out_step_seconds=opt_out_step_seconds,
        log_level=log_level,
    )
    try:
        settings.check_encryption()
        check_traces()
    except SettingsError as error:
        fail(error, code=2)
    configure_logging(settings.log_level)
    serve_all = serve if settings.workers == 1 else serve_with_workers
    run(serve_all(settings, lambda address: print(f"listening on {address}", flush=True)))  # noqa: T201
