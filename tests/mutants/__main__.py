"""python -m tests.mutants FILE_OR_FOLDER … [--sample 100] [--seed 1] [--minutes 30] [--jobs 2]"""

import argparse
import multiprocessing
import os
import random
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from tests.mutants.c_mutations import c_mutations
from tests.mutants.choice import is_compiled_for_user_space, named, of_c, places
from tests.mutants.judge import Judge
from tests.mutants.mutation import Mutation
from tests.mutants.python_mutations import python_mutations
from tests.mutants.reached import Reached
from tests.mutants.session import CANNOT_TRY, FAILED, PASSED, Asked, Session

ROOT: Final = Path(__file__).resolve().parents[2]
_LEAST_SECONDS: Final = 120.0
_LIVE_SECONDS: Final = 1800.0
_SLOWER: Final = 30.0
"""Factor on the processor time of tests without a mutation; with it, tests may take longer on a busy machine."""


def files(names: list[str]) -> list[str]:
    """Return the Python and C files among and below these, relative to the root of the tree."""
    found = []
    for name in names:
        path = ROOT / name
        below = [path] if path.is_file() else sorted([*path.rglob("*.py"), *path.rglob("*.[ch]")])
        found += [str(one.relative_to(ROOT)) for one in below if one.name != "__init__.py"]
    return found


def mutations(root: Path, file: str) -> list[Mutation]:
    """Return all mutations of a file."""
    source = (root / file).read_text()
    return [*(python_mutations(source) if file.endswith(".py") else c_mutations(source))]


class Trial:
    """A trial of mutations on its own copy of the tree; each process of the pool has one."""

    only: "Trial"

    def __init__(self, folder: str, reached: Reached) -> None:
        self._reached = reached
        self.judge = Judge(ROOT, Path(folder) / f"mozu-{os.getpid()}")
        self._session: Session | None = None
        self._sound: dict[tuple[str, ...], bool] = {}
        """Live tests → True if they pass without a mutation."""
        self._of_headers: dict[tuple[str, ...], Session] = {}
        """Tests that compile C for user space → the session that has collected them."""

    @classmethod
    def begin(cls, folder: str, reached: Reached) -> None:
        """Prepare a process of the pool."""
        cls.only = cls(folder, reached)

    @classmethod
    def verdict(cls, tried: tuple[str, Mutation]) -> tuple[str, Mutation, str]:
        """Return the mutation and its result: `noticed`, `survives`, `unreached` if no test reaches the line, or
        `unjudged` if its tests fail without it."""
        return *tried, cls.only(*tried)

    def __call__(self, file: str, mutation: Mutation) -> str:
        """Return the result of a mutation."""
        source = (self.judge.place / file).read_text()
        if not file.endswith(".py"):
            return self._of_c(file, source, mutation.applied(source))
        tests = self._reached.tests(file, source, mutation.line, named(ROOT, file))
        if not tests:
            return "unreached"
        asked = Asked(file, source, mutation.applied(source), tests, self._limit(tests))
        status = CANNOT_TRY
        if not self._reached.at_import(file, source, mutation.line):
            if self._session is None:
                self._session = self.judge.session(self._reached.folders)
            status = self._session.status(asked)
        if status == CANNOT_TRY:
            with self._changed(asked.file, asked.before, asked.after):
                status = PASSED if self.judge.passes(tests, asked.seconds) else FAILED
        return "survives" if status == PASSED else "noticed"

    def _of_c(self, file: str, before: str, after: str) -> str:
        """Return the result of a mutation of a C file. Tests of kernel programs may fail on a machine that is too busy:
        `unjudged`."""
        tests = tuple(of_c(ROOT, file))
        if tests not in self._sound:
            self._sound[tests] = self._pass(tests, file)
        if not self._sound[tests]:
            return "unjudged"
        with self._changed(file, before, after):
            return "survives" if self._pass(tests, file) else "noticed"

    def _pass(self, tests: tuple[str, ...], file: str) -> bool:
        if not is_compiled_for_user_space(file):
            return self.judge.passes(tests, _LIVE_SECONDS, live=True)
        if tests not in self._of_headers:
            self._of_headers[tests] = self.judge.session(tests, live=True)
        return self._of_headers[tests].status(Asked(file, "", "", [], _LIVE_SECONDS)) == PASSED

    @contextmanager
    def _changed(self, file: str, before: str, after: str) -> Iterator[None]:
        path = self.judge.place / file
        path.write_text(after)
        try:
            yield
        finally:
            path.write_text(before)

    def _limit(self, tests: list[str]) -> float:
        """Return the seconds that the tests may take."""
        return max(_LEAST_SECONDS, _SLOWER * sum(self._reached.seconds[test] for test in tests))


def recorded(folder: str, chosen: list[tuple[str, Mutation]], jobs: int) -> Reached:
    """Return which lines are reached by the tests that may notice one of these mutations."""
    files = sorted({file for file, _ in chosen if file.endswith(".py")})
    asked = [(place, files) for place in sorted({place for file in files for place in places(ROOT, file)})]
    whole = Reached()
    with multiprocessing.Pool(jobs, Trial.begin, (folder, whole)) as pool:
        for found in pool.imap_unordered(_recorded, asked, chunksize=1):
            whole.add(found)
    if asked:
        print(f"{len(whole.seconds)} tests of {' '.join(place for place, _ in asked)}", flush=True)
    return whole


def _recorded(asked: tuple[str, list[str]]) -> Reached:
    return Trial.only.judge.recorded(*asked)


def verdicts(chosen: list[tuple[str, Mutation]], jobs: int, end: float) -> Iterator[tuple[str, Mutation, str]]:
    """Yield the result of each mutation, until the time is over."""
    with tempfile.TemporaryDirectory(prefix="mozu-mutants-") as folder:
        reached = recorded(folder, chosen, jobs)
        with multiprocessing.Pool(jobs, Trial.begin, (folder, reached)) as pool:
            for found in pool.imap_unordered(Trial.verdict, chosen):
                yield found
                if time.monotonic() > end:
                    pool.terminate()
                    return


def main() -> int:
    """Run the program; return 0 if at most one in twenty survives."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("places", nargs="+", help="files and folders, from the root of the tree")
    parser.add_argument("--sample", type=int, default=100, help="mutations that are tried; 0: all")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--minutes", type=float, default=0.0, help="after which no further one is tried; 0: no limit")
    parser.add_argument("--jobs", type=int, default=2, help="mutations that are tried at the same time")
    options = parser.parse_args()
    end = time.monotonic() + options.minutes * 60 if options.minutes else float("inf")
    every = [(file, mutation) for file in files(options.places) for mutation in mutations(ROOT, file)]
    chosen = random.Random(options.seed).sample(every, min(options.sample or len(every), len(every)))
    tried: Counter[str] = Counter()
    left: Counter[str] = Counter()
    for file, mutation, verdict in verdicts(chosen, options.jobs, end):
        top = "/".join(file.split("/")[:2])
        tried[top] += 1
        left[top] += verdict != "noticed"
        print(f"{verdict}: {file}:{mutation.line}: {mutation.described((ROOT / file).read_text())}", flush=True)
    for top, number in sorted(tried.items()):
        print(f"{top}: {left[top]} of {number} survive")
    print(f"{left.total()} of {tried.total()} survive, of {len(every)} that there are (seed {options.seed})")
    return 0 if left.total() * 20 <= tried.total() else 1


if __name__ == "__main__":
    sys.exit(main())
