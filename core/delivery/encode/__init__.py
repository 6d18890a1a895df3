"""Encoders: an alert as bytes, chosen per sink and independent of how the sink transports them. docs/formats.md."""

from mozu.core.delivery.encode.formats import FORMATS, Formats

__all__ = ["FORMATS", "Formats"]
