"""The field registry: what a rule or an output may name, its type, its meaning, and how it is read from an event."""

from mozu.core.model.fields.field import Argument, Field, FieldType, Match, Reader, Resolved
from mozu.core.model.fields.names import Names
from mozu.core.model.fields.registry import FieldRegistry

__all__ = ["Argument", "Field", "FieldRegistry", "FieldType", "Match", "Names", "Reader", "Resolved"]
