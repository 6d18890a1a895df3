"""The examples of docs/rules/writing.md are rules that load, in the order of the page, on top of mozu's own."""

import re
from pathlib import Path

from mozu.core.language.rules import Code, SourceFile, load_texts, plugin_fields
from mozu.core.language.rules.files import expand, read_file
from mozu.core.model.fields import FieldRegistry
from mozu.core.model.fields.builtin import builtin_fields

ROOT = Path(__file__).parents[4]


def test_the_examples_of_the_guide_load_on_top_of_mozus_own_rules(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "rules" / "writing.md").read_text()
    blocks = re.findall(r"```yaml\n(- .*?)```", page, re.DOTALL)
    ((text, name),) = re.findall(r"```\n(# (\S+\.txt):.*?)```", page, re.DOTALL)
    (tmp_path / name).write_text(text)
    packs = [read_file(path) for path in expand([ROOT / "plugins" / "rules" / "packs"])]
    examples = [SourceFile(f"{tmp_path}/{number}", text) for number, text in enumerate(blocks, 1)]

    result = load_texts([*packs, *examples], FieldRegistry((*builtin_fields(), *plugin_fields())))

    assert 9 == len(examples)
    (redefined,) = result.report.problems()  # the first rule, redefined in other words
    assert (redefined.code, redefined.file) == (Code.LOAD_REDEFINED_RULE, f"{tmp_path}/3")
