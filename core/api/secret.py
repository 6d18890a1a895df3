"""Secrets in settings: a password, token or key that never prints; from text, a file, a variable or a credential."""

import os
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from pydantic import GetCoreSchemaHandler, GetJsonSchemaHandler, SecretStr
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, core_schema

_MAX_SIZE: Final = 1 << 16
_FORMS: Final = "{file: PATH}, {env: VARIABLE} or {credential: NAME}"


class Secret(SecretStr):
    """A password, token or key, written as text (better: `${VARIABLE}`), or as a mapping that says where it is found:

    {file: PATH}        the content of a file, without the line end that closes it
    {env: VARIABLE}     a variable of the environment
    {credential: NAME}  a file of systemd's `LoadCredential=`, in $CREDENTIALS_DIRECTORY

    `get_secret_value()` returns the text; everything else, repr and JSON too, shows stars.
    """

    @classmethod
    def __get_pydantic_core_schema__(cls, source: type[object], handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return a schema that fetches the secret first, then holds it as pydantic's own secret does."""
        held = super().__get_pydantic_core_schema__(source, handler)
        return core_schema.no_info_before_validator_function(fetch, held)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return a schema of text or one of the three forms."""
        forms = [
            {
                "type": "object",
                "properties": {form: {"type": "string"}},
                "required": [form],
                "additionalProperties": False,
            }
            for form in ("file", "env", "credential")
        ]
        return {"anyOf": [{"type": "string"}, *forms], "writeOnly": True}


def fetch(value: object) -> object:
    """Return the secret that the setting's value refers to; a value that is no mapping is returned unchanged. Raises
    ValueError, without the secret in its text."""
    if not isinstance(value, Mapping):
        return value
    if len(value) != 1 or next(iter(value)) not in _SOURCES:
        raise ValueError(f"a secret is text or one of {_FORMS}")
    (form, argument) = next(iter(value.items()))
    if not isinstance(argument, str) or not argument:
        raise ValueError(f"{form} of a secret must be text")
    return _SOURCES[form](argument)


def _from_file(path: str) -> str:
    try:
        with Path(path).open("rb") as file:
            raw = file.read(_MAX_SIZE + 1)
        if len(raw) > _MAX_SIZE:
            raise ValueError(f"the secret's file {path} is larger than 64 KiB")
        return raw.decode().removesuffix("\n").removesuffix("\r")
    except OSError as error:
        raise ValueError(f"the secret's file {path} cannot be read: {error.strerror}") from None
    except UnicodeDecodeError:
        raise ValueError(f"the secret's file {path} is not UTF-8 text") from None


def _from_environment(variable: str) -> str:
    try:
        return os.environ[variable]
    except KeyError:
        raise ValueError(f"the secret's environment variable {variable} is not set") from None


def _from_credential(name: str) -> str:
    directory = os.environ.get("CREDENTIALS_DIRECTORY")
    if not directory:
        raise ValueError(f"the credential {name} needs $CREDENTIALS_DIRECTORY, which systemd's LoadCredential= sets")
    if "/" in name or name in (".", ".."):
        raise ValueError(f"a credential is a plain name, not {name!r}")
    return _from_file(f"{directory}/{name}")


_SOURCES: Final = {"file": _from_file, "env": _from_environment, "credential": _from_credential}
