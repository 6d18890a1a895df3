"""All benchmarks, one after another."""

import runpy
import sys
from pathlib import Path

for module in sorted(path.stem for path in Path(__file__).parent.glob("*.py")):
    if module not in ("__init__", "__main__", "monitor", "concurrent_load", "baseline", "stock"):
        print(f"\n## {module}\n", flush=True)
        sys.argv = [module]
        runpy.run_module(f"benchmarks.{module}", run_name="__main__")
