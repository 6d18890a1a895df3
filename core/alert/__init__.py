"""What rules say and sinks get."""

from mozu.core.alert.alert import Alert, Severity, alert_id
from mozu.core.alert.stamp import Stamp
from mozu.core.alert.template import Ref, Template, render_value

__all__ = ["Alert", "Ref", "Severity", "Stamp", "Template", "alert_id", "render_value"]
