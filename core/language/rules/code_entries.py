"""Texts of the codes `LINT_…`: rules that load and probably do not do what was meant."""

from typing import Final

import msgspec


class CodeEntry(msgspec.Struct, frozen=True):
    """Texts and severity of a code."""

    title: str
    """A few words, printed after the code."""
    paragraph: str
    """Meaning of the code, the reaction of mozu, and a remedy."""
    error: bool = False
    advice: bool = False
    """True if the rule works and could be written better: reported by `mozu check --strict` only."""


LINT_ENTRIES: Final = {
    "LINT_NEVER_TRUE": CodeEntry(
        "Never true",
        "The rule, or the part of it that is named, is false for every event: two tests exclude each other, two ranges "
        "of numbers have no number in common, a text would need two different beginnings, or events of the rule's "
        "types never have the field. Such a rule never raises an alert. Join alternatives of one field by `or`, or by "
        "`in (…)`. Tests of `evt.num` and of empty lists are not reported, since both are usual ways to switch off a "
        "part of a rule.",
    ),
    "LINT_ALWAYS_TRUE": CodeEntry(
        "Always true",
        "The rule, or the part of it that is named, is true for every event, or for every value of the field: `f != a"
        " or f != b` excludes nothing, every text contains the empty text, an unsigned number is at least 0. Most "
        "often `and` was meant instead of `or`.",
    ),
    "LINT_IMPOSSIBLE_VALUE": CodeEntry(
        "Value that the field never has",
        "A field is compared with a text or a number that it never has: the name of an error or of a flag that does "
        "not exist, a name of a program with a directory or longer than the 15 bytes that the kernel keeps, a "
        "directory with a slash at its end. `=` is then always false and `!=` always true. `mozu fields` "
        "describes the values of each field.",
    ),
    "LINT_ABSENT_FIELD": CodeEntry(
        "Field that the events never have",
        "No event type of the rule has the field. Such a test is always false; in an output the field prints as <NA>."
        " Test another `evt.type`, or name another field.",
    ),
    "LINT_PATTERN": CodeEntry(
        "Pattern in the notation of another operator",
        "A text has signs of a pattern that its operator does not know, or a pattern matches nothing: `*` after `=`, "
        "`in`, `startswith` or `contains` is an ordinary character, as are `^` and `$` in a `glob`; an expression "
        "must match the whole value. docs/rules/regex.md has the notations.",
    ),
    "LINT_HIDDEN_RULE": CodeEntry(
        "Rule hidden by earlier ones",
        "Earlier rules match every event that the rule matches, and with `rule_matching: first` an event raises only "
        "the alert of the first rule that matches: this rule never raises one. Put the special rule before the general "
        "one, exclude its case there, or set `rule_matching: all`.",
    ),
    "LINT_PRECEDENCE": CodeEntry(
        "`or` that widens a rule to every event type",
        "`and` binds stronger than `or`. One alternative of the rule restricts `evt.type` and another one does not, "
        "so that the rule matches events of every type. Often the `or` was appended in another file. Put the"
        " alternatives in parentheses: `evt.type = execve and (… or …)`.",
    ),
    "LINT_EMPTY_LIST": CodeEntry(
        "Rule that an empty list switches off",
        "A list without items makes the test false, and the rule needs the test: as long as the list is empty the "
        "rule matches nothing. Fill the list, or disable the rule until it is filled.",
    ),
    "LINT_UNDEFINED_NAME": CodeEntry(
        "Name of a list that does not exist",
        "An unquoted word looks like the name of a list, and there is no such list: the word is compared as a text. "
        "Define the list before, or put the text in quotes.",
    ),
    "LINT_UNUSED_EXCEPTION": CodeEntry(
        "Exception that excludes nothing",
        "An exception has no values, or none of its values fits an event that the rule matches. It does no harm; "
        "often a value has a mistake.",
        advice=True,
    ),
    "LINT_DUPLICATE_ITEM": CodeEntry(
        "Item that a list has twice",
        "A list has the same item twice. It does no harm; often another item was meant.",
        advice=True,
    ),
    "LINT_DUPLICATE_ID": CodeEntry(
        "Id of another rule",
        "Two rules have the same `mozu.id`. An id names one rule in alerts, for as long as the rule exists: give each"
        " its own.",
    ),
    "LINT_UNKNOWN_TAG": CodeEntry(
        "Tag that ATT&CK does not have",
        "A tag has the form of a tactic or a technique of MITRE ATT&CK, and there is none of this name or id for "
        "Linux and containers. Alerts with it are missing from every view by technique.",
    ),
    "LINT_UNIT": CodeEntry(
        "Number in another unit",
        "Durations and moments are whole numbers of nanoseconds, and the number is so small that seconds or "
        "milliseconds were probably meant: a second is 1000000000.",
    ),
    "LINT_NETWORK": CodeEntry(
        "Network with host bits",
        "A network has bits set after its prefix length, which are ignored: `10.1.2.3/8` is `10.0.0.0/8`. Often a "
        "longer prefix was meant.",
    ),
    "LINT_OUTPUT": CodeEntry(
        "Output without fields",
        "The output prints no field, or names fields in the notation of another program: a field begins with a "
        "percent sign, as in `%proc.cmdline`. Recipients of the alert need the process, the file or the address.",
    ),
    "LINT_EVADABLE_PATH": CodeEntry(
        "Path that a link evades",
        "`fd.name` is the path by which a file was opened. A link, a mount or another root directory leads to the "
        "same file by another path. Compare `fd.paths` to detect, and `fd.realpath` to except.",
        advice=True,
    ),
    "LINT_EVADABLE_NAME": CodeEntry(
        "Exclusion by a value that a user can choose",
        "The rule does not match if a name or a command line has a certain text, and the user who starts a "
        "program chooses both. Except programs by `proc.trusted_name`, ancestors by `proc.atrusted_name`, which are "
        "set only for programs in directories of packages.",
        advice=True,
    ),
}
"""Entries of `mozu explain` for the codes, by the name of the code."""
