"""What must hold of a process while it runs its program: user space tells the kernel, a bit for each question."""

from collections.abc import Iterable
from typing import Final

from mozu.core.filter.predicate import TRUE, Fact, Predicate, all_of, any_of, fold
from mozu.plugins.sources.ebpf.kernel_filter.expression import Check, Expression

MOST: Final = 64
"""Questions that the kernel can be told the answers of."""


class Lasting:
    """Numbers the questions that gates ask. `fields`: those that stay until the next exec."""

    def __init__(self, fields: Iterable[str]) -> None:
        self._fields = frozenset(fields)
        self._numbers: dict[str, int] = {}
        self.questions: list[Predicate] = []
        """In the order of their bits."""

    def test(self, predicate: Predicate) -> Expression:
        """What a predicate needs of the process alone."""
        question = fold(predicate, self._alone, all_of, any_of)
        if question is TRUE:
            return True
        key = fold(question, str, "&{}".format, "|{}".format)
        if key not in self._numbers:
            if len(self.questions) == MOST:
                return True
            self._numbers[key] = len(self.questions)
            self.questions.append(question)
        return Check(f"may >> {self._numbers[key]} & 1", of_process=True)

    def _alone(self, fact: Fact) -> Predicate:
        return fact if fact.field.partition("[")[0] in self._fields else TRUE
