"""The codes of warnings of `mozu check` about a configuration; for rule files see `core/language/rules/codes.py`."""

import enum
from typing import Final

from mozu.core.language.rules.code_entries import CodeEntry


class ConfigCode(enum.Enum):
    """The stable name of a kind of warning."""

    CONFIG_UNMATCHED_SELECTION = "CONFIG_UNMATCHED_SELECTION"
    CONFIG_EXPIRED_EXCEPTION = "CONFIG_EXPIRED_EXCEPTION"
    CONFIG_UNFED_RULES = "CONFIG_UNFED_RULES"
    CONFIG_UNFILLED_FIELDS = "CONFIG_UNFILLED_FIELDS"
    CONFIG_UNACTED_SOURCE = "CONFIG_UNACTED_SOURCE"
    CONFIG_START_OBSTACLE = "CONFIG_START_OBSTACLE"
    CONFIG_PLUGIN = "CONFIG_PLUGIN"
    CONFIG_COMPONENT = "CONFIG_COMPONENT"

    @property
    def title(self) -> str:
        """A few words."""
        return CONFIG_ENTRIES[self].title

    @property
    def paragraph(self) -> str:
        """The meaning of the warning, mozu's behaviour, and the remedy."""
        return CONFIG_ENTRIES[self].paragraph


CONFIG_ENTRIES: Final[dict[ConfigCode, CodeEntry]] = {
    ConfigCode.CONFIG_UNMATCHED_SELECTION: CodeEntry(
        "Selection without rules",
        "An element of `selection` names a rule or a tag that no rule of the evaluator has, so it enables and disables "
        "nothing. Most often the name is misspelt, or the rule was renamed or removed; `mozu rules list` has all "
        "names.",
    ),
    ConfigCode.CONFIG_EXPIRED_EXCEPTION: CodeEntry(
        "Expired exception",
        "The last day of an exception of a rule (`mozu: {expires: DAY}`) has passed. The exception still silences "
        "alerts. Remove it, or, after a look at what it silences, set a later day.",
    ),
    ConfigCode.CONFIG_UNFED_RULES: CodeEntry(
        "Rules on events that nothing brings",
        "Rules are written for a source class of events that no source of the configuration brings. They are loaded "
        "and never match. Add a source that brings such events, or disable the rules.",
    ),
    ConfigCode.CONFIG_UNFILLED_FIELDS: CodeEntry(
        "Fields that nothing fills",
        "Rules read fields that no enricher or setting of the configuration gives a value, so that these are absent in "
        "every event. The message says what to add, and which rules read them.",
    ),
    ConfigCode.CONFIG_UNACTED_SOURCE: CodeEntry(
        "Source that is not acted on",
        "Responders are configured, and act on no alert about events of this source: it is not live, so its events may "
        "be of any time, and its declaration does not say `acted_on=True`. Recordings are never acted on. The author "
        "of the plugin decides it for a source that reads what happens now and can wait.",
    ),
    ConfigCode.CONFIG_START_OBSTACLE: CodeEntry(
        "Obstacle to a component",
        "Something on this machine is in the way of a component: a file that may not be written, a socket where "
        "nothing listens, a program that is not there. mozu starts all the same, and tries it again as long as it "
        "runs. `--for-another-machine` leaves this machine out.",
    ),
    ConfigCode.CONFIG_PLUGIN: CodeEntry(
        "Fault of a plugin that is accepted",
        "A plugin works and has a fault: methods that run on the event loop, requirements that are not met, an import "
        "that replaced something of the whole process. Update the distribution that brings it, or report it there.",
    ),
    ConfigCode.CONFIG_COMPONENT: CodeEntry(
        "Warning of a component",
        "A component wrote this warning into the log while it was built for the check; it would do the same at a "
        "start.",
    ),
}
