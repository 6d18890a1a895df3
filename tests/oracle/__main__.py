"""python -m tests.oracle DIR RULES [NAME...]: run every scenario of a folder through the engine, in this process. DIR
holds captures with verdicts, RULES the stock rule files that scenarios name. Exits 0 only if each scenario agrees or
differs by causes that docs/rules/falco-compatibility.md describes.
"""

import os
import sys
import time
from pathlib import Path

from tests.oracle.judge import judge
from tests.oracle.report import lines
from tests.oracle.scenario import scenarios


def main(arguments: list[str]) -> int:
    if len(arguments) < 2:
        print(__doc__)
        return 2
    os.environ["TZ"] = "UTC"
    time.tzset()
    folder, stock, only = Path(arguments[0]), Path(arguments[1]), set(arguments[2:])
    chosen = [scenario for scenario in scenarios(folder, stock) if not only or scenario.name in only]
    if not chosen:
        print(f"no scenario found in {folder}")
        return 2
    results = [judge(scenario) for scenario in chosen]
    for line in lines(results, most=1000 if only else 6):
        print(line)
    return 0 if all(result.passes for result in results) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
