"""`make docs-site` builds the site of docs/ with a search index. tests/docs/test_pages.py checks the links."""

import json
from pathlib import Path

import pytest

from tests.docs.snippets import DOCS
from tests.support.clean import run_clean
from tests.support.requirements import ROOT, program


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_every_page_is_built_and_every_group_is_searched(tmp_path: Path) -> None:
    done = run_clean(program("make"), "-C", ROOT, "docs-site", f"VENV={tmp_path / 'venv'}")

    assert done.returncode == 0, done.stderr
    site, pages = ROOT / "build/site", {path.relative_to(DOCS) for path in DOCS.rglob("*.md")}
    built = {str(page.parent.relative_to(site)) for page in site.rglob("index.html")}
    searched = {Path(item["location"]).parts[:1] for item in json.loads((site / "search.json").read_text())["items"]}
    assert {str(path.parent if path.name == "README.md" else path.with_suffix("")) for path in pages} <= built
    assert {path.parts[:1] for path in pages if len(path.parts) > 1} <= searched
