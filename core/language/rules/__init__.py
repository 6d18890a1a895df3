"""Rule files: read, resolve, check, compile, report.

``load(paths, fields, options) -> LoadResult`` performs every step: `report` has every problem of every file, `rules`
the
rules that could be compiled. The steps, each in its module::

    files       paths → texts                        collector   items → store (define, append, override, switch)
    tree        text → YAML nodes with offsets       exceptions  store → texts that exceptions add to a condition
    reader      nodes → items (rule_reader,          lists       text → text with lists expanded
                exception_reader, mapping, values;   macros      tree → tree with macros expanded
                list_files: their values)
    report      problems → text, JSON                compiler    store → RuleSet; lint: warnings; outputs: templates

Afterwards: ``selected`` selects the rules that run, ``describe_rules`` and related functions describe them. ``clauses``
returns the condition of a rule as a tree of clauses with their places, ``explained`` their results for one event.
"""

from mozu.core.language.rules.additions import Addition
from mozu.core.language.rules.checks import Resolvers, review, review_steps
from mozu.core.language.rules.clauses import Clause, clauses, macro_trees
from mozu.core.language.rules.codes import Code
from mozu.core.language.rules.collector import ENGINE_VERSION
from mozu.core.language.rules.correlations import Correlation
from mozu.core.language.rules.describe import (
    ItemDescription,
    RulesDescription,
    describe_list,
    describe_macro,
    describe_rule,
    describe_rules,
)
from mozu.core.language.rules.explained import ExplainedClause, explained
from mozu.core.language.rules.families import Family, families, left_out
from mozu.core.language.rules.files import expand, located, read_file
from mozu.core.language.rules.list_files import list_files
from mozu.core.language.rules.loading import LoadResult, Options, RulesLoader, load, load_texts
from mozu.core.language.rules.plugin_fields import PLUGIN_VERSIONS, plugin_fields
from mozu.core.language.rules.problem import RuleProblem
from mozu.core.language.rules.report import FileReport, Report
from mozu.core.language.rules.ruleset import ListView, MacroView, Rule, RuleSet
from mozu.core.language.rules.schema import rules_schema
from mozu.core.language.rules.selection import Selector, in_shadow, nothing_selected, selected
from mozu.core.language.rules.source import SourceFile
from mozu.core.language.rules.static_fields import with_static_fields
from mozu.core.language.rules.step_inputs import step_inputs
from mozu.core.language.rules.values import Version, priority, priority_names

__all__ = [
    "ENGINE_VERSION",
    "PLUGIN_VERSIONS",
    "Addition",
    "Clause",
    "Code",
    "Correlation",
    "ExplainedClause",
    "Family",
    "FileReport",
    "ItemDescription",
    "ListView",
    "LoadResult",
    "MacroView",
    "Options",
    "Report",
    "Resolvers",
    "Rule",
    "RuleProblem",
    "RuleSet",
    "RulesDescription",
    "RulesLoader",
    "Selector",
    "SourceFile",
    "Version",
    "clauses",
    "describe_list",
    "describe_macro",
    "describe_rule",
    "describe_rules",
    "expand",
    "explained",
    "families",
    "in_shadow",
    "left_out",
    "list_files",
    "load",
    "load_texts",
    "located",
    "macro_trees",
    "nothing_selected",
    "plugin_fields",
    "priority",
    "priority_names",
    "read_file",
    "review",
    "review_steps",
    "rules_schema",
    "selected",
    "step_inputs",
    "with_static_fields",
]
