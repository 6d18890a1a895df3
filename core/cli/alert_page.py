"""Alerts → a page for a browser."""

import importlib
from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Protocol, cast

from mozu.core.delivery.encode.product import version
from mozu.core.model.value_types import JsonObject
from mozu.core.runtime.builtin_plugins import PAGE


class _PageModule(Protocol):
    def exported(self, documents: Iterable[JsonObject], version: str, written: datetime) -> bytes: ...


def alert_page(documents: Iterable[JsonObject]) -> bytes:
    """Return the page of these alerts, each as in the format `json`."""
    module = cast("_PageModule", importlib.import_module(PAGE))
    return module.exported(documents, version(), datetime.now(UTC))
