"""The condition language: text → tree → checked tree → generated Python; and the templates of outputs.

Pure: no I/O, no clock. A third party's evaluator may use every name exported here.

Grammar (the names of the parser's functions are the names of the productions)::

    condition   = s? or-expr s? END
    or-expr     = and-expr  { s? "or"  ( s and-expr | paren ) }
    and-expr    = not-expr  { s? "and" ( s not-expr | paren ) }
    not-expr    = { "not" s } ( "not(" group-tail | check )
    paren       = "(" group-tail                    ; right after and/or, without a blank
    group-tail  = s? or-expr s? ")"
    check       = "(" group-tail
                | FIELD [arg] test
                | transformer test
                | IDENT                              ; a macro
    arg         = "[" ( QSTR | BAREARG ) "]"         ; no blanks around
    transformer = NAME "(" targ { "," targ } s? ")" [arg]
    targ        = s? ( NUMBER | QSTR | tlist | transformer | FIELD [arg] )
    tlist       = "(" s? [ targ { s? "," targ } ] s? ")"      ; not nested
    test        = s? "exists"
                | s? ( "<=" | "<" | ">=" | ">" ) s? ( rfield | NUMBER )
                | s? strop modified
                | s? strop s? ( rfield | QSTR | BARESTR )
                | s? ( "intersects" | "in" | "pmatch" ) s? ( list | rfield | IDENT )
    strop       = "==" | "=" | "!=" | WORDOP s
    WORDOP      = "glob" | "iglob" | "contains" | "icontains" | "bcontains"
                | "startswith" | "bstartswith" | "endswith" | "regex"
    modified    = MOD s ( list | IDENT )
    MOD         = "oneof" | "anyof" | "allof"
    rfield      = "val(" s? FIELD [arg] s? ")" [arg] | transformer
    list        = "(" s? [ item { s? "," s? item } ] s? ")"
    item        = QSTR | BARESTR

    IDENT   = letter { letter | digit | "_" }        FIELD   = IDENT "." IDENT { "." IDENT }
    BAREARG = any but [ ] " ' and blanks             BARESTR = any but ( ) " ' = , and blanks
    NUMBER  = [+-] digits [.] digits [e(+|-)digits] | 0x hex
    QSTR    = "…" or '…' with escapes \\b \\f \\n \\r \\t \\\\ \\/ \\" (or \\') \\xHH and backslash-blank (a backslash)
    s       = one or more of blank, tab, backspace, CR, LF; s? = none or more

`not` binds tighter than `and`, and that tighter than `or`. At most 1000 levels of nesting.

Steps (the usual caller is the rule compiler of `core.language.rules`):

1. ``parse(text, origin="") -> Node``. Raises ConditionError(text, offset, message, hint). `origin` names the text (a
   macro's name) and is kept on tests and macro references, so that a problem found later is shown in the right text.
2. ``expand_macros(node, macros) -> Node``: every reference to a macro replaced by its tree (`macros` maps names to
   trees that are expanded themselves). Trees are shared, not copied. Raises ConditionError for a name that is not in
   `macros` (`reason` is "undefined_macro") and for a tree deeper than 4000 levels.
3. ``check(node, fields, source) -> Checked``: fields, operators, types and values. Never raises; `Checked.problems` has
   every error and warning, each with code, reason, origin and offset. `Checked.event_types` is the static event set.
4. ``compile_rules(rules, fields, mode="first") -> RuleProgram``: one generated function per event type over all rules.
   Rules are RuleInput(name, source, condition); they must have been checked without errors.
   `RuleProgram.evaluate(batch)` returns (event, position of the rule in `rules`) in the order of events, and of rules
   within an event; in mode "first" at most one per event. `RuleProgram.needs[source][event type]` is the set of
   state dependencies; the type `*` means all.
5. ``compile_template(text, fields, source, extra=()) -> Output``: `.template` (core.model.alert.Template),
   `.values(event)` (the dict of values for it), `.needs(type)`, `.fields`. `extra` has pairs (key, format): fields that
   only `output_fields` shows. With an empty format the key is a field itself and keeps its type, else the value is the
   rendered text. Raises ConditionError with the offset in `text` (or in an extra's format: `origin` is then its key).

``NodeEvaluator(fields, source, macros).at(event)`` returns, for each node of a tree that keeps its macros, its truth,
the values that a test reads, and the deciding nodes. It is for explanations and for tests of rules, and slower than
`RuleProgram`.

``unparse(node)`` returns the canonical text of a tree, ``simplify(node, fields, source, event_type=None)`` its formula
(`core.filter.formula`), and ``text_of(formula)`` the text of a formula.
"""

from mozu.core.language.conditions.ast import (
    And,
    Call,
    FieldRef,
    Items,
    Macro,
    Node,
    Not,
    Number,
    Operand,
    Or,
    Right,
    Test,
    Text,
    Val,
)
from mozu.core.language.conditions.check import Checked, check
from mozu.core.language.conditions.macros import expand_macros, references
from mozu.core.language.conditions.nodewise import NodeEvaluator, NodeTruths, OperandValue
from mozu.core.language.conditions.parser import parse
from mozu.core.language.conditions.problems import ConditionError, ConditionProblem
from mozu.core.language.conditions.program import RuleInput, RuleProgram, compile_rules
from mozu.core.language.conditions.simplify import simplify
from mozu.core.language.conditions.template import CompiledOutput, compile_template
from mozu.core.language.conditions.unparse import text_of, unparse

__all__ = [
    "And",
    "Call",
    "Checked",
    "CompiledOutput",
    "ConditionError",
    "ConditionProblem",
    "FieldRef",
    "Items",
    "Macro",
    "Node",
    "NodeEvaluator",
    "NodeTruths",
    "Not",
    "Number",
    "Operand",
    "OperandValue",
    "Or",
    "Right",
    "RuleInput",
    "RuleProgram",
    "Test",
    "Text",
    "Val",
    "check",
    "compile_rules",
    "compile_template",
    "expand_macros",
    "parse",
    "references",
    "simplify",
    "text_of",
    "unparse",
]
