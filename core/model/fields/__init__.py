"""The field registry: what a rule or an output may name, its type, its meaning, and how it is read from an event."""

from mozu.core.model.fields.field import Argument, Field, FieldType, Match, Reader, Resolved
from mozu.core.model.fields.lookups import Forgery, Lookups
from mozu.core.model.fields.registry import FieldRegistry

__all__ = ["Argument", "Field", "FieldRegistry", "FieldType", "Forgery", "Lookups", "Match", "Reader", "Resolved"]
