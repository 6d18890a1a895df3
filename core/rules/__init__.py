"""Rule files: read, resolve, check, compile, report.

``load(paths, fields, options) -> LoadResult`` does it all: `report` has every problem of every file, `rules` what could
be compiled. One step after the other, each in its module::

    files       paths → texts                        collector   items → store (define, append, override, switch)
    tree        text → YAML nodes with offsets       exceptions  store → what exceptions add to a condition
    reader      nodes → items (rule_reader,          lists       text → text with lists filled in
                exception_reader, mapping, values)   macros      tree → tree with macros in it
    report      problems → text, JSON                compiler    store → RuleSet; lint: doubts; outputs: templates

Afterwards: ``selected`` picks the rules that run, ``describe_rules`` and its kin tell about them.
"""

from mozu.core.rules.additions import Addition
from mozu.core.rules.codes import Code
from mozu.core.rules.collector import ENGINE_VERSION
from mozu.core.rules.describe import describe_list, describe_macro, describe_rule, describe_rules
from mozu.core.rules.files import expand
from mozu.core.rules.loading import LoadResult, Options, load, load_texts
from mozu.core.rules.plugin_fields import PLUGIN_VERSIONS, plugin_fields
from mozu.core.rules.problem import Problem
from mozu.core.rules.report import FileReport, Report
from mozu.core.rules.ruleset import ListView, MacroView, Rule, RuleSet
from mozu.core.rules.selection import Selector, selected
from mozu.core.rules.source import SourceFile
from mozu.core.rules.static_fields import with_static_fields
from mozu.core.rules.values import Version, priority, priority_names

__all__ = [
    "ENGINE_VERSION",
    "PLUGIN_VERSIONS",
    "Addition",
    "Code",
    "FileReport",
    "ListView",
    "LoadResult",
    "MacroView",
    "Options",
    "Problem",
    "Report",
    "Rule",
    "RuleSet",
    "Selector",
    "SourceFile",
    "Version",
    "describe_list",
    "describe_macro",
    "describe_rule",
    "describe_rules",
    "expand",
    "load",
    "load_texts",
    "plugin_fields",
    "priority",
    "priority_names",
    "selected",
    "with_static_fields",
]
