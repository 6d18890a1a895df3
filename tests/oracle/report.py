"""The report on a folder: agreement by theme and level, differences by cause."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator

import msgspec

from tests.oracle.compare import LEVELS, Difference


class Result(msgspec.Struct, frozen=True):
    """Judgement of a scenario."""

    name: str
    theme: str
    differences: tuple[Difference, ...]
    causes: tuple[str, ...]
    """Documented cause of each difference, in the same order; empty if there is none."""

    @property
    def agrees(self) -> bool:
        """Return True if there is no difference."""
        return not self.differences

    @property
    def passes(self) -> bool:
        """Return True if every difference has a cause."""
        return all(self.causes)

    def agrees_at(self, level: int) -> bool:
        """Return True if there is no difference at this level or at those before it."""
        return all(difference.level > level for difference in self.differences)


def lines(results: Iterable[Result], *, most: int = 6) -> Iterator[str]:
    """Return the lines of the whole report."""
    everything = list(results)
    yield from _themes(everything)
    yield ""
    yield from _causes(everything)
    unexplained = [result for result in everything if not result.passes]
    for result in unexplained:
        yield f"\n{result.name} ({result.theme}):"
        pairs = zip(result.differences, result.causes, strict=True)
        bad = [str(difference) for difference, cause in pairs if not cause]
        yield from (f"  {text}" for text in bad[:most])
        if len(bad) > most:
            yield f"  … and {len(bad) - most} more"
    agreeing = sum(result.agrees for result in everything)
    share = agreeing / len(everything) if everything else 0.0
    yield ""
    yield (
        f"{len(everything)} scenarios: {agreeing} agree ({share:.1%}), "
        f"{len(everything) - agreeing - len(unexplained)} differ by a documented cause, {len(unexplained)} without one"
    )


def _themes(results: list[Result]) -> Iterator[str]:
    themes: dict[str, list[Result]] = defaultdict(list)
    for result in results:
        themes[result.theme].append(result)
    width = max((len(theme) for theme in themes), default=0)
    yield f"{'theme':<{width}}  scenarios  " + "  ".join(LEVELS)
    for theme, members in sorted(themes.items()):
        counts = [sum(result.agrees_at(level) for result in members) for level in range(len(LEVELS))]
        cells = (f"{count:>{len(title)}}" for count, title in zip(counts, LEVELS, strict=True))
        yield f"{theme:<{width}}  {len(members):>9}  " + "  ".join(cells)


def _causes(results: list[Result]) -> Iterator[str]:
    counted: Counter[str] = Counter()
    where: dict[str, list[str]] = defaultdict(list)
    for result in results:
        for cause in result.causes:
            if cause:
                counted[cause] += 1
        for cause in sorted(set(result.causes) - {""}):
            where[cause].append(result.name)
    documented = "differences by documented cause (docs/rules/falco-compatibility.md):"
    yield documented if counted else "no documented difference"
    for cause, count in counted.most_common():
        yield f"  {cause}: {count} in {', '.join(where[cause])}"
