"""Every code a load report can carry: title, short text, and the paragraph printed by `mozu explain CODE`.

The names `LOAD_…` are Falco's, so that programs that read its reports read mozu's too; the texts are mozu's. The code
LOAD_REDEFINED_RULE, LOAD_UNUSED_EXCEPTION and the codes `LINT_…` (rules that load and probably do not do what was
meant) are mozu's own.
"""

import enum
from typing import Final

from mozu.core.language.rules.code_entries import LINT_ENTRIES, CodeEntry


class Code(enum.Enum):
    """The stable name of a kind of problem."""

    LOAD_ERR_FILE_READ = "LOAD_ERR_FILE_READ"
    LOAD_ERR_YAML_PARSE = "LOAD_ERR_YAML_PARSE"
    LOAD_ERR_YAML_VALIDATE = "LOAD_ERR_YAML_VALIDATE"
    LOAD_ERR_COMPILE_CONDITION = "LOAD_ERR_COMPILE_CONDITION"
    LOAD_ERR_COMPILE_OUTPUT = "LOAD_ERR_COMPILE_OUTPUT"
    LOAD_ERR_VALIDATE = "LOAD_ERR_VALIDATE"
    LOAD_ERR_EXTENSION = "LOAD_ERR_EXTENSION"
    LOAD_UNKNOWN_SOURCE = "LOAD_UNKNOWN_SOURCE"
    LOAD_UNSAFE_NA_CHECK = "LOAD_UNSAFE_NA_CHECK"
    LOAD_NO_EVTTYPE = "LOAD_NO_EVTTYPE"
    LOAD_UNKNOWN_FILTER = "LOAD_UNKNOWN_FILTER"
    LOAD_UNUSED_MACRO = "LOAD_UNUSED_MACRO"
    LOAD_UNUSED_LIST = "LOAD_UNUSED_LIST"
    LOAD_UNUSED_EXCEPTION = "LOAD_UNUSED_EXCEPTION"
    LOAD_UNKNOWN_ITEM = "LOAD_UNKNOWN_ITEM"
    LOAD_DEPRECATED_ITEM = "LOAD_DEPRECATED_ITEM"
    LOAD_WARNING_EXTENSION = "LOAD_WARNING_EXTENSION"
    LOAD_APPEND_NO_VALUES = "LOAD_APPEND_NO_VALUES"
    LOAD_EXCEPTION_NAME_NOT_UNIQUE = "LOAD_EXCEPTION_NAME_NOT_UNIQUE"
    LOAD_INVALID_MACRO_NAME = "LOAD_INVALID_MACRO_NAME"
    LOAD_INVALID_LIST_NAME = "LOAD_INVALID_LIST_NAME"
    LOAD_COMPILE_CONDITION = "LOAD_COMPILE_CONDITION"
    LOAD_UNKNOWN_KEY = "LOAD_UNKNOWN_KEY"
    LOAD_REDEFINED_RULE = "LOAD_REDEFINED_RULE"
    LINT_NEVER_TRUE = "LINT_NEVER_TRUE"
    LINT_ALWAYS_TRUE = "LINT_ALWAYS_TRUE"
    LINT_IMPOSSIBLE_VALUE = "LINT_IMPOSSIBLE_VALUE"
    LINT_ABSENT_FIELD = "LINT_ABSENT_FIELD"
    LINT_PATTERN = "LINT_PATTERN"
    LINT_HIDDEN_RULE = "LINT_HIDDEN_RULE"
    LINT_PRECEDENCE = "LINT_PRECEDENCE"
    LINT_EMPTY_LIST = "LINT_EMPTY_LIST"
    LINT_UNDEFINED_NAME = "LINT_UNDEFINED_NAME"
    LINT_UNUSED_EXCEPTION = "LINT_UNUSED_EXCEPTION"
    LINT_DUPLICATE_ITEM = "LINT_DUPLICATE_ITEM"
    LINT_DUPLICATE_ID = "LINT_DUPLICATE_ID"
    LINT_UNKNOWN_TAG = "LINT_UNKNOWN_TAG"
    LINT_UNIT = "LINT_UNIT"
    LINT_NETWORK = "LINT_NETWORK"
    LINT_OUTPUT = "LINT_OUTPUT"
    LINT_EVADABLE_PATH = "LINT_EVADABLE_PATH"
    LINT_EVADABLE_NAME = "LINT_EVADABLE_NAME"

    @property
    def title(self) -> str:
        """A few words, printed after the code."""
        return ENTRIES[self].title

    @property
    def paragraph(self) -> str:
        """Meaning of the code, the reaction of mozu, and a remedy."""
        return ENTRIES[self].paragraph

    @property
    def is_error(self) -> bool:
        """True if rules with this problem cannot be used."""
        return ENTRIES[self].error

    @property
    def is_advice(self) -> bool:
        """True if only `mozu check --strict` reports it."""
        return ENTRIES[self].advice

    @property
    def description(self) -> str:
        """Text of `codedesc` in the JSON report: the title of an error, the paragraph of a warning."""
        return self.title if self.is_error else self.paragraph


ENTRIES: Final[dict[Code, CodeEntry]] = {
    Code.LOAD_ERR_FILE_READ: CodeEntry(
        "File read error",
        "A rules file could not be opened or read, or is larger than a rules file can sensibly be. Nothing of it was "
        "used. Check that the path exists, that it is a regular file, and that mozu may read it.",
        error=True,
    ),
    Code.LOAD_ERR_YAML_PARSE: CodeEntry(
        "YAML parse error",
        "The text is not YAML, so nothing behind the marked place could be understood and this file was read no "
        "further. Common causes are tabs used for indentation, an unclosed quote or bracket, a plain text that begins "
        "with %, @ or a backquote (put it in quotes), or bytes that are not UTF-8.",
        error=True,
    ),
    Code.LOAD_ERR_YAML_VALIDATE: CodeEntry(
        "Error validating internal structure of YAML file",
        "The file is YAML, but not of the shape that rules have: a key is missing or empty, a value is of the wrong "
        "kind (a list where a text belongs, `1` where `true` belongs), a priority or a version is not one, or "
        "`override` does not fit the keys beside it. The item was left out; the others were still checked.",
        error=True,
    ),
    Code.LOAD_ERR_COMPILE_CONDITION: CodeEntry(
        "Error compiling condition",
        "A condition could not be turned into a test: its syntax is wrong, a field, operator or event type does not "
        "exist, or an operator or a value does not fit the type of its field. The caret stands under the place in the "
        "condition after exceptions were added and lists filled in; the line and column lead to the text in the file.",
        error=True,
    ),
    Code.LOAD_ERR_COMPILE_OUTPUT: CodeEntry(
        "Error compiling output",
        "An output, or a text or field that the configuration appends to it, refers to something that does not exist. "
        "Every percent sign begins a reference to a field, so a percent sign of its own cannot be printed.",
        error=True,
    ),
    Code.LOAD_ERR_VALIDATE: CodeEntry(
        "Error validating rule/macro/list/exception objects",
        "Each item is well formed, but they do not fit together: a macro is used that is not defined (files are "
        "loaded in order and cannot lean on later ones), macros refer to each other in a circle, something is appended "
        "to an item that does not exist, an exception does not fit its rule, a rule changes its source, or the file "
        "wants a newer engine or a plugin that is not there.",
        error=True,
    ),
    Code.LOAD_ERR_EXTENSION: CodeEntry(
        "Error in extension item",
        "An item that belongs to an extension of the rule language is wrong. mozu has no such extensions and never "
        "reports this; the code is kept so that it means the same everywhere.",
        error=True,
    ),
    Code.LOAD_UNKNOWN_SOURCE: CodeEntry(
        "Unknown event source",
        "The rule is written for a source of events that nothing in this engine brings. It was kept, so that later "
        "items may change it, but it is not compiled and never fires. Load the plugin that brings the source, or "
        "correct the name.",
    ),
    Code.LOAD_UNSAFE_NA_CHECK: CodeEntry(
        "Unsafe <NA> comparison in condition",
        "A field is compared with the text <NA>. That text is only how outputs print a value that is missing; the "
        "missing value itself equals nothing, so the comparison is false where it was meant to be true. Write "
        "`FIELD exists` or `not FIELD exists` instead. Fields that can have this very text (`user.name` of an unknown "
        "user, `fd.type` of an unknown descriptor) may be compared with it. Falco has the warning for `ka.*` and "
        "`jevt.*` only.",
    ),
    Code.LOAD_NO_EVTTYPE: CodeEntry(
        "Condition has no event-type restriction",
        "The condition can hold for more than a hundred types of events, so that nearly every system call must be "
        "watched for this one rule, which costs the whole machine time. Restrict it with `evt.type`, at best as the "
        "first test, or set `warn_evttypes: false` if it is meant so.",
    ),
    Code.LOAD_UNKNOWN_FILTER: CodeEntry(
        "Unknown field or event-type in condition or output",
        "The rule uses a field or an event type that this engine does not know, and it says "
        "`skip-if-unknown-filter: true`; so it was left out and everything else was loaded.",
    ),
    Code.LOAD_UNUSED_MACRO: CodeEntry(
        "Unused macro",
        "No rule and no other macro refers to this macro. It does no harm; often it is a leftover, or the place where "
        "it should be used has a misspelt name.",
    ),
    Code.LOAD_UNUSED_LIST: CodeEntry(
        "Unused list",
        "No condition, exception or other list refers to this list. It does no harm; often it is a leftover, or the "
        "place where it should be used has a misspelt name, which then counts as a plain text.",
    ),
    Code.LOAD_UNUSED_EXCEPTION: CodeEntry(
        "Unused shared exception",
        "No rule names this item `exception` in its key `mozu`. It excludes nothing; often it is a leftover, or the "
        "rule that should name it does not yet. This code is mozu's own: Falco has no such items.",
    ),
    Code.LOAD_UNKNOWN_ITEM: CodeEntry(
        "Unknown rules file item",
        "An item has none of the keys that say what it is (rule, macro, list, exception, required_engine_version, "
        "required_plugin_versions). It was ignored.",
    ),
    Code.LOAD_DEPRECATED_ITEM: CodeEntry(
        "Used deprecated item",
        "Something is used that still works and will go one day: `append: true` and the bare `enabled` switch (both "
        "are now written with `override`), the field container.info, or a field that has lost its meaning. The "
        "message names what to write instead.",
    ),
    Code.LOAD_WARNING_EXTENSION: CodeEntry(
        "Warning in extension item",
        "An item that belongs to an extension of the rule language looks doubtful. mozu has no such extensions and "
        "never reports this; the code is kept so that it means the same everywhere.",
    ),
    Code.LOAD_APPEND_NO_VALUES: CodeEntry(
        "Overriding/appending with no values",
        "An exception is appended without any values. An exception without values excludes nothing, so this changes "
        "nothing.",
    ),
    Code.LOAD_EXCEPTION_NAME_NOT_UNIQUE: CodeEntry(
        "Multiple exceptions defined with the same name",
        "Two exceptions of one rule, of its own or shared, have the same name. Both apply, but values that are "
        "appended later under this name reach only the first of them. Give each its own name.",
    ),
    Code.LOAD_INVALID_MACRO_NAME: CodeEntry(
        "Invalid macro name",
        "A macro's name must begin with a letter and go on with letters, digits and underscores. The macro was loaded, "
        "but a condition cannot refer to it under this name.",
    ),
    Code.LOAD_INVALID_LIST_NAME: CodeEntry(
        "Invalid list name",
        "A list's name must not contain blanks, quotes, parentheses, commas or equals signs. The list was loaded, but "
        "a condition cannot refer to it under this name.",
    ),
    Code.LOAD_COMPILE_CONDITION: CodeEntry(
        "Warning in rule condition",
        "A condition is valid but probably not what was meant, or could be had cheaper: a regular expression that a "
        "plain operator could replace, a text that is the name of a field (fields on the right side need `val()`), a "
        "text that looks like the call of a transformer, a text in typographic quotes (which are then part of it), a "
        "number that does not fit the field and is cut to its width as in Falco, a parameter (`evt.arg.NAME`) that no "
        "event type of the rule has and that is therefore always absent, or a "
        "word that is nearly the name of a list: a name that no list has is a text like any other.",
    ),
    Code.LOAD_UNKNOWN_KEY: CodeEntry(
        "Unknown key in item definition",
        "A key has no meaning for this kind of item, or it stands there a second time, and was ignored. Most often it "
        "is misspelt. Of two equal keys the first counts.",
    ),
    Code.LOAD_REDEFINED_RULE: CodeEntry(
        "Rule defined again",
        "A rule has the name of one that is defined already, in this file or an earlier one, and takes its place: of "
        "the first nothing stays. If only a part is to change, use `override`; if both are meant, give one another "
        "name. This code is mozu's own: Falco replaces the rule without a word.",
    ),
    **{Code(name): entry for name, entry in LINT_ENTRIES.items()},
}
