"""Reads pydantic settings for a command: options, help texts, and readable errors."""

from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_settings import BaseSettings

__all__ = ["SettingsError", "environment_variable", "option_help", "read_settings"]

_Settings = TypeVar("_Settings", bound=BaseSettings)


class SettingsError(Exception):
    """Some settings are missing or invalid; the message has one line per problem."""


def read_settings(settings: type[_Settings], **options: Any) -> _Settings:
    """Read settings from command-line options, then the environment, then defaults.

    Args:
        settings: The class of the settings.
        options: Values by field name; None for an option that was not given.

    Raises:
        SettingsError: A value is invalid.
    """
    fields = settings.model_fields
    given = {
        str(fields[name].validation_alias or name): value
        for name, value in options.items()
        if value is not None
    }
    try:
        return settings(**given)
    except ValidationError as error:
        problems = error.errors(include_input=False, include_url=False)
        raise SettingsError("\n".join(map(_message, problems))) from None


def option_help(settings: type[BaseSettings], name: str) -> str:
    """Return the help text of the option for a setting, with its environment variable."""
    description = settings.model_fields[name].description
    return f"{description} (env: {environment_variable(settings, name)})"


def environment_variable(settings: type[BaseSettings], name: str) -> str:
    """Return the environment variable of a setting."""
    alias = settings.model_fields[name].validation_alias
    return alias if isinstance(alias, str) else settings.model_config["env_prefix"] + name.upper()


def _message(problem: Any) -> str:
    location = "".join(f"{part}: " for part in problem["loc"])
    return f"{location}{problem['msg'].removeprefix('Value error, ')}"
