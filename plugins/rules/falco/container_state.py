"""Each alert of a container says whether mozu knew the container: `container.state` in its output fields."""

from mozu.core.api import Event, FieldRegistry, Ref, Template
from mozu.core.model.value_types import FieldValue

_NAME = "container.state"


class ContainerState:
    """Adds the field, unless the output has it."""

    def __init__(self, fields: FieldRegistry) -> None:
        field = fields.resolve(_NAME)
        self._read, self._ref = field.read, Ref(_NAME, field.type.value)
        self._templates: dict[int, Template] = {}
        """Number of a rule → its template with this field."""

    def added(self, rule: int, template: Template, values: dict[str, FieldValue], event: Event) -> Template:
        """The template for an alert of this rule; the value is put into `values`. The same where the event is in no
        container, or nothing is asked about containers."""
        if event.source != "syscall" or _NAME in values:
            return template
        state = self._read(event)
        if state is None:
            return template
        values[_NAME] = state
        if rule not in self._templates:
            self._templates[rule] = Template(template.parts, (*template.extra, self._ref))
        return self._templates[rule]
