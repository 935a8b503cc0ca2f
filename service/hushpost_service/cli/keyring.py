"""The commands `hushpost keyring create`, `show`, `add` and `activate`."""

from typing import Annotated

import typer

from hushpost_runtime.logging import configure_logging
from hushpost_service.cli.invocation import (
    DataDir,
    KeyringFile,
    fail,
    require_database,
    run,
    settings_of,
)
from hushpost_service.keyring_rotation import activate_key, add_key, described_keyring
from hushpost_service.tokens.keyring import Keyring, KeyringError

__all__ = ["register"]


def register(app: typer.Typer) -> None:
    """Add the commands as a group."""
    group = typer.Typer(help="Create, list, add and activate the keys that seal tokens.")
    group.command("create")(_create)
    group.command("show")(_show)
    group.command("add")(_add)
    group.command("activate")(_activate)
    app.add_typer(group, name="keyring")


def _create(data_dir: DataDir = None, keyring: KeyringFile = None) -> None:
    """Create a keyring for a new installation, in a file that must not exist.

    `hushpost serve` does it at its first start. Use this command if the file is
    to be distributed before, for example as a Kubernetes Secret.
    """
    path = settings_of(data_dir=data_dir, keyring=keyring).keyring_file
    if path.exists():
        fail(f"{path} exists: without its keys, mail that was sent with it stops counting", code=2)
    try:
        Keyring.generate().save(path)
    except KeyringError as error:
        fail(error)
    typer.echo(f"{path}: created. Back it up apart from the database.")


def _show(data_dir: DataDir = None, keyring: KeyringFile = None) -> None:
    """List the keys with their fingerprints, and which key seals new tokens."""
    path = settings_of(data_dir=data_dir, keyring=keyring).keyring_file
    try:
        typer.echo(described_keyring(path))
    except KeyringError as error:
        fail(error)


def _add(data_dir: DataDir = None, keyring: KeyringFile = None) -> None:
    """Add a new key to the file. It opens tokens, but does not seal any yet.

    Then copy the file to every authority, restart them one by one, and run
    `hushpost keyring activate`.
    """
    path = settings_of(data_dir=data_dir, keyring=keyring).keyring_file
    try:
        key_id = add_key(path)
    except KeyringError as error:
        fail(error)
    typer.echo(
        f"{path}: added key {key_id}. Copy the file to every authority, restart them, then run "
        "`hushpost keyring activate`."
    )


def _activate(
    key_id: Annotated[
        int | None, typer.Argument(help="The key to activate. Default: the newest.")
    ] = None,
    data_dir: DataDir = None,
    keyring: KeyringFile = None,
) -> None:
    """Let a key seal new tokens. Tokens of the other keys stay valid.

    Fails if an authority that is running does not know the key yet. Then copy the
    file to every authority and restart them one by one.
    """
    settings = settings_of(data_dir=data_dir, keyring=keyring)
    require_database(settings)
    configure_logging("warning")

    async def activate() -> None:
        active = await activate_key(settings, key_id)
        typer.echo(
            f"{settings.keyring_file}: key {active} seals new tokens. Copy the file to every "
            "authority and restart them."
        )

    run(activate())
