"""Every deliberate error of mozu, a small tree:

    MozuError
    ├── ConfigError         the configuration cannot be used; carries all its problems
    ├── RulesError          rule files cannot be used; carries the load report
    ├── PluginError         a plugin cannot be found, imported, or breaks its contract
    ├── SourceUnavailable   this machine or this privilege cannot run a source
    ├── SourceBroken        a source found input that it cannot continue with (a corrupt recording)
    ├── DeadlineExceeded    a call of a component has taken longer than it may
    ├── UnknownField        no field of this name, or a wrong argument for it
    ├── CannotEncode        a plugin's format has failed on an alert
    └── SinkClosed          the destination is gone for good, without a fault (a closed pipe)

Messages are one sentence: the subject, what was expected, what was found, and what to do about it.
"""

from collections.abc import Sequence


class MozuError(Exception):
    """The base of every error that mozu raises on purpose."""


class Problem(str):
    """A line `file:line:col: text`; a plain string, so that problems print, sort and compare as strings."""

    __slots__ = ()

    @classmethod
    def at(cls, file: str, line: int, column: int, text: str) -> "Problem":
        """Return a problem; `line` and `column` count from 1."""
        return cls(f"{file}:{line}:{column}: {text}")


class ConfigError(MozuError):
    """The configuration cannot be used. `problems` has every mistake found, in file order."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("\n".join(problems))
        self.problems = tuple(problems)


class RulesError(MozuError):
    """Rule files cannot be used. The text has each file with an error, and its problems."""


class PluginError(MozuError):
    """A plugin cannot be found, imported, or does not keep its contract. `plugin` is its name."""

    def __init__(self, plugin: str, text: str) -> None:
        super().__init__(f"plugin {plugin!r}: {text}")
        self.plugin = plugin


class SourceUnavailable(MozuError):
    """A source cannot run on this machine or with this privilege; the text says what to install, grant or mount."""


class SourceBroken(MozuError):
    """A source found input that it cannot continue with; earlier events remain valid."""


class DeadlineExceeded(MozuError):
    """A call of a component has taken longer than it may; the text names the component and the method."""


class UnknownField(MozuError):
    """No field of this name exists, or its argument is missing, superfluous or malformed."""


class CannotEncode(MozuError):
    """A plugin's format has failed on an alert. It was logged and counted; the text names the format and its plugin."""


class SinkClosed(MozuError):
    """The destination is gone for good, without a fault; the engine stops cleanly."""
