"""Priorities of rules, and their names in each format: the only table of the kind."""

import enum
from collections.abc import Mapping
from typing import Final

import msgspec


class Severity(enum.IntEnum):
    """A rule's priority; the number is syslog's, smaller is worse."""

    EMERGENCY = 0
    ALERT = 1
    CRITICAL = 2
    ERROR = 3
    WARNING = 4
    NOTICE = 5
    INFORMATIONAL = 6
    DEBUG = 7

    @property
    def label(self) -> str:
        """The name as alerts print it: `Warning`."""
        return _LABELS[self]

    @property
    def levels(self) -> "Levels":
        """The priority in the scales of other formats."""
        return LEVELS[self]


_LABELS: Final = {severity: severity.name.capitalize() for severity in Severity}


class Levels(msgspec.Struct, frozen=True):
    """A priority in every scale but syslog's, which is the number of the priority itself."""

    ocsf: int
    """OCSF `severity_id`."""
    ocsf_name: str
    ecs: int
    """ECS `event.severity`, whose scale is the source's own: here 0 to 100."""
    cef: int
    """CEF severity, 0 to 10."""
    otel: int
    """OpenTelemetry's severity number, which the CloudEvents extension `severitynumber` carries."""
    otel_name: str
    elastic: int
    """`event.severity` as Elastic's rules for external alerts read it: 21 low, 47 medium, 73 high, 99 critical."""
    cim: str
    """`severity` of Splunk's Common Information Model."""
    alertmanager: str
    """Label `severity` as Prometheus alerts use it."""


LEVELS: Final[Mapping[Severity, Levels]] = {
    Severity.EMERGENCY: Levels(6, "Fatal", 100, 10, 21, "FATAL", 99, "critical", "critical"),
    Severity.ALERT: Levels(5, "Critical", 90, 9, 19, "ERROR3", 99, "critical", "critical"),
    Severity.CRITICAL: Levels(5, "Critical", 80, 8, 18, "ERROR2", 99, "critical", "critical"),
    Severity.ERROR: Levels(4, "High", 70, 7, 17, "ERROR", 73, "high", "warning"),
    Severity.WARNING: Levels(3, "Medium", 50, 6, 13, "WARN", 47, "medium", "warning"),
    Severity.NOTICE: Levels(2, "Low", 30, 4, 10, "INFO2", 21, "low", "information"),
    Severity.INFORMATIONAL: Levels(1, "Informational", 20, 3, 9, "INFO", 21, "informational", "information"),
    Severity.DEBUG: Levels(1, "Informational", 10, 0, 5, "DEBUG", 21, "informational", "information"),
}
