"""Mutations of a C file of bpf/: comparisons, operators, constants, by the text of a line."""

import re
from collections.abc import Iterator
from typing import Final

from tests.mutants.mutation import Mutation

_COMMENT: Final = re.compile(r"/\*.*?\*/", re.DOTALL)
_TOKENS: Final = re.compile(
    r"(?P<operator>&&|\|\||==|!=|<=|>=|<<|>>|->|\+\+|--|[-+|&^]=|[-+<>!&|])|(?P<number>\b\d+\b)|(?P<word>\w+)"
)
_MEMBER: Final = re.compile(r"\s*(?:const )?(?:struct |enum )?\w+ \*?\w+(?:\[[^]]*\])?(?:, \*?\w+(?:\[[^]]*\])?)*;")
"""Pattern of a declaration without a value: of a member, or of a variable."""
_SWAPPED: Final = {
    "&&": "||", "||": "&&", "==": "!=", "!=": "==", "<=": "<", ">=": ">", "<<": ">>", ">>": "<<", "|": "&", "&": "|",
    "<": "<=", ">": ">=", "+": "-", "-": "+", "+=": "-=", "-=": "+=", "|=": "&=",
}  # fmt: skip
_BINARY_ONLY: Final = frozenset({"&", "-", "<", ">", "|", "+"})
"""Operators that are something else without a blank on both sides."""


def c_mutations(source: str) -> Iterator[Mutation]:
    """Yield the mutations of the functions of a file: not of comments, directives, declarations and texts."""
    plain = _COMMENT.sub(lambda match: re.sub(r"[^\n]", " ", match[0]), source)
    continued = False
    for number, line in enumerate(plain.splitlines(), 1):
        is_directive, continued = continued or line.lstrip().startswith("#"), line.endswith("\\")
        declares = _MEMBER.fullmatch(line.rstrip()) and not line.lstrip().startswith("return ")
        if is_directive or declares or not line.startswith(" ") or '"' in line or not line.strip():
            continue
        yield from _of_line(number, line)


def _of_line(number: int, line: str) -> Iterator[Mutation]:
    for match in _TOKENS.finditer(line):
        start, end = match.span()
        operator = match["operator"]
        if match["number"]:
            yield Mutation(number, start, end, str(int(match["number"]) + 1))
        elif operator in _SWAPPED:
            spaced = line[start - 1 : start] == " " and line[end : end + 1] == " "
            if operator not in _BINARY_ONLY or spaced:
                yield Mutation(number, start, end, _SWAPPED[operator])
