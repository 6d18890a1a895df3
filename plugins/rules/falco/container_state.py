"""The output field `container.state`, which shows in each alert of a container if mozu knew the container."""

from mozu.core.api import Event, FieldRegistry, Ref, Template
from mozu.core.model.value_types import FieldValue

_NAME = "container.state"


class ContainerState:
    """Adder of the field, unless the output has it."""

    def __init__(self, fields: FieldRegistry) -> None:
        field = fields.resolve(_NAME)
        self._read, self._ref = field.read, Ref(_NAME, field.type.value)
        self._templates: dict[int, Template] = {}
        """Template with this field, by number of the rule."""

    def added(self, rule: int, template: Template, values: dict[str, FieldValue], event: Event) -> Template:
        """Return the template for an alert of this rule, and put the value into `values`. The template is unchanged if
        the event is in no container, or container metadata are not read."""
        if event.source != "syscall" or _NAME in values:
            return template
        state = self._read(event)
        if state is None:
            return template
        values[_NAME] = state
        if rule not in self._templates:
            self._templates[rule] = Template(template.parts, (*template.extra, self._ref))
        return self._templates[rule]
