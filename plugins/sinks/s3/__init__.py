"""Sink `s3`: alerts as objects of an S3-compatible storage, several per object, under keys that contain their date.

    settings                the configuration
    object_key              the key of an object, from its alerts
    signature               AWS Signature Version 4
    answer                  meaning of the storage's answer for the alerts of an object
    bucket, sink            one request, and the writing of objects
"""

from typing import TYPE_CHECKING

from mozu.core.api import Context, SinkDeclaration, hookimpl
from mozu.plugins.sinks.s3.settings import S3Settings

if TYPE_CHECKING:
    from mozu.plugins.sinks.s3.sink import S3Sink


def build(settings: S3Settings, context: Context) -> "S3Sink":
    """Build the sink. Raises ConfigError if a certificate cannot be used."""
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
