"""The hook API that a version guarantees, a line each: `python -m tests.core.api.surface` prints it.

The list of a version is written once, when the version is released, and only grows: its lines must stay unchanged.
"""

import re
from collections.abc import Iterator

from mozu.core.api import document


def surface() -> Iterator[str]:
    """Yield `Name | code` for every class, member, constant and function that `mozu` exports."""
    for section in document.page().split("\n## ")[1:]:
        name, _, text = section.partition("\n")
        block = re.search(r"```python\n(.*?)\n```", text, re.DOTALL)
        if block is not None:
            yield f"{name} | {' '.join(block[1].split())}"
        for code in re.findall(r"^\* `(.*)`(?:  )?$", text, re.MULTILINE):
            yield f"{name} | {code}"


if __name__ == "__main__":
    print("\n".join(surface()))
