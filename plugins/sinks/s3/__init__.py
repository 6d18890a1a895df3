"""Sink `s3`: alerts as objects of an S3-compatible storage, several in one, under keys that have their date.

    settings                what may be configured
    object_key              the key of an object, from its alerts
    signature               AWS Signature Version 4
    answer                  what the storage's answer means for the alerts of an object
    bucket, sink            one request, and when objects are written
"""

from typing import TYPE_CHECKING

from mozu.core.api import Context, SinkDeclaration, hookimpl
from mozu.plugins.sinks.s3.settings import S3Settings

if TYPE_CHECKING:
    from mozu.plugins.sinks.s3.sink import S3Sink


def build(settings: S3Settings, context: Context) -> "S3Sink":
    """Raises ConfigError where a certificate cannot be used."""
    from mozu.plugins.sinks.s3 import sink  # imports aiohttp: only where the sink is used

    return sink.build(settings, context)


@hookimpl
def mozu_components() -> SinkDeclaration[S3Settings]:
    """Declare the sink."""
    return SinkDeclaration(
        name="s3",
        build=build,
        settings=S3Settings,
        summary="Objects of an S3-compatible storage: several alerts in one, under keys that have their date.",
    )
