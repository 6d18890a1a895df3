"""Encoders: an alert as bytes, chosen per sink and independent of its transport; see docs/integrate/formats.md."""

from mozu.core.delivery.encode.formats import FORMATS, Formats

__all__ = ["FORMATS", "Formats"]
