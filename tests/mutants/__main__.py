"""python -m tests.mutants FILE_OR_FOLDER … [--sample 100] [--seed 1] [--minutes 30]"""

import argparse
import random
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Final

from tests.mutants.c_mutations import c_mutations
from tests.mutants.choice import stages
from tests.mutants.judge import Judge
from tests.mutants.mutation import Mutation
from tests.mutants.python_mutations import python_mutations

ROOT: Final = Path(__file__).resolve().parents[2]
_LEAST_SECONDS: Final = 60.0
_BASELINES: Final = 2
"""Tries of tests without a mutation: a busy machine may fail one."""
_SLOWER: Final = 10.0
"""So many times as long as without a mutation tests may take."""


def files(names: list[str]) -> list[str]:
    """The Python and C files among these and below these, from the root of the tree."""
    found = []
    for name in names:
        path = ROOT / name
        below = [path] if path.is_file() else sorted([*path.rglob("*.py"), *path.rglob("*.[ch]")])
        found += [str(one.relative_to(ROOT)) for one in below if one.name != "__init__.py"]
    return found


def mutations(root: Path, file: str) -> list[Mutation]:
    """All of one file."""
    source = (root / file).read_text()
    return [*(python_mutations(source) if file.endswith(".py") else c_mutations(source))]


class Trial:
    """Tries mutations and remembers which survive."""

    def __init__(self, judge: Judge, *, further: bool) -> None:
        self._judge, self._further = judge, further
        self._seconds: dict[tuple[str, ...], float | None] = {}
        self.tried: Counter[str] = Counter()
        self.survivors: list[tuple[str, Mutation]] = []

    def __call__(self, file: str, mutation: Mutation) -> bool:
        """Whether some test notices it."""
        path = self._judge.place / file
        source = path.read_text()
        noticed = False
        for tests in stages(ROOT, file, further=self._further):
            limit = self._limit(tests)
            if limit is None:
                continue
            path.write_text(mutation.applied(source))
            try:
                noticed = not self._judge.passes(tests, limit)
            finally:
                path.write_text(source)
            if noticed:
                break
        self.tried[file] += 1
        if not noticed:
            self.survivors.append((file, mutation))
        return noticed

    def _limit(self, tests: list[str]) -> float | None:
        """Seconds; None where the tests fail without a mutation, and say nothing."""
        key = tuple(tests)
        if key not in self._seconds:
            begun = time.monotonic()
            passed = any(self._judge.passes(tests, 3600.0) for _ in range(_BASELINES))
            self._seconds[key] = max(_LEAST_SECONDS, _SLOWER * (time.monotonic() - begun)) if passed else None
            if not passed:
                print(f"these fail without a mutation, and are left out: {' '.join(tests)}", flush=True)
        return self._seconds[key]


def main() -> int:
    """0 if at most one in twenty survives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("places", nargs="+", help="files and folders, from the root of the tree")
    parser.add_argument("--sample", type=int, default=100, help="mutations that are tried; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=0.0, help="after which no further one is tried; 0: no limit")
    parser.add_argument("--further", action="store_true", help="survivors meet tests of other folders, too")
    options = parser.parse_args()
    end = time.monotonic() + options.minutes * 60 if options.minutes else float("inf")
    with tempfile.TemporaryDirectory(prefix="mozu-mutants-") as folder:
        judge = Judge(ROOT, Path(folder) / "mozu")
        every = [(file, mutation) for file in files(options.places) for mutation in mutations(judge.place, file)]
        trial = Trial(judge, further=options.further)
        for file, mutation in random.Random(options.seed).sample(every, min(options.sample or len(every), len(every))):
            if time.monotonic() > end:
                break
            verdict = "noticed" if trial(file, mutation) else "survives"
            described = mutation.described((judge.place / file).read_text())
            print(f"{verdict}: {file}:{mutation.line}: {described}", flush=True)
    tried, left = trial.tried.total(), len(trial.survivors)
    for top, number in sorted(Counter("/".join(file.split("/")[:2]) for file in trial.tried.elements()).items()):
        lost = sum(file.startswith(f"{top}/") for file, _ in trial.survivors)
        print(f"{top}: {lost} of {number} survive")
    print(f"{left} of {tried} survive, of {len(every)} that there are (seed {options.seed})")
    return 0 if left * 20 <= tried else 1


if __name__ == "__main__":
    sys.exit(main())
