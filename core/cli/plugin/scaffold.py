"""A new plugin from the templates beside this module: one folder a kind, and one for what all of them have."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Final

KINDS: Final = {
    "source": "Events of a kind of its own: each line of a file.",
    "enricher": "Owners of programs, from an HTTP service.",
    "evaluator": "An alert when events come in a burst.",
    "sink": "Alerts to an HTTP service.",
    "responder": "Notes alerts in a file.",
    "format": "Alerts as key=value pairs.",
    "command": "Counts alerts by rule.",
    "rules": "Rules on web servers, with tests beside them.",
}
"""Kind of plugin → summary of its example."""
NAME: Final = re.compile(r"[a-z][a-z0-9_]*")
_ENTRY_POINT: Final = re.compile(r"\[project\.entry-points\.mozu\]\n.*\n\n")
"""The entry point in pyproject.toml, which a package of rules does not have: no code of it runs."""
_PLUGIN_COMMANDS: Final = re.compile(r"    mozu plugins .*\n")
_TEMPLATES: Final = Path(__file__).with_name("templates")


def files(kind: str, name: str) -> Iterator[tuple[str, str]]:
    """Yield (path below the package's folder, text) for each file of a new plugin of this kind and name."""
    package = f"mozu_{name}"
    own = _TEMPLATES / kind
    project = _filled(_TEMPLATES / "common/pyproject.toml.tmpl", kind, name)
    yield "pyproject.toml", project if kind != "rules" else _ENTRY_POINT.sub("", project)
    readme = _filled(_TEMPLATES / "common/README.md.tmpl", kind, name)
    if kind == "rules":
        readme = _PLUGIN_COMMANDS.sub("", readme)
    yield "README.md", readme.replace("@USE@\n", _filled(own / "use.md.tmpl", kind, name))
    yield ".github/workflows/ci.yml", _filled(_TEMPLATES / "common/ci.yml.tmpl", kind, name)
    yield f"src/{package}/__init__.py", _filled(own / "plugin.py.tmpl", kind, name)
    yield f"src/{package}/py.typed", ""
    if (own / "rules.yaml.tmpl").exists():
        yield f"src/{package}/rules/{name}.yaml", _filled(own / "rules.yaml.tmpl", kind, name)
    if (own / "rules_test.yaml.tmpl").exists():
        yield f"src/{package}/rules/{name}_test.yaml", _filled(own / "rules_test.yaml.tmpl", kind, name)
    yield f"tests/test_{name}.py", _filled(own / "test.py.tmpl", kind, name)


def _filled(template: Path, kind: str, name: str) -> str:
    words = {
        "NAME": name,
        "DIST": f"mozu-{name.replace('_', '-')}",
        "PACKAGE": f"mozu_{name}",
        "CLASS": "".join(part.capitalize() for part in name.split("_")),
        "SUMMARY": KINDS[kind],
    }
    text = template.read_text()
    for word, value in words.items():
        text = text.replace(f"@{word}@", value)
    return text
