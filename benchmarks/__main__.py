"""A run of all benchmarks, one after another."""

import runpy
import sys
from pathlib import Path

for path in sorted(Path(__file__).parent.glob("*.py")):
    is_run = '\nif __name__ == "__main__":' in path.read_text()
    if is_run and path.stem not in ("baseline", "filter_turns"):  # a monitor to compare with; it needs another checkout
        print(f"\n## {path.stem}\n", flush=True)
        sys.argv = [path.stem]
        runpy.run_module(f"benchmarks.{path.stem}", run_name="__main__")
