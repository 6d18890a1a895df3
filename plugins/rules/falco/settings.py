"""Settings of the evaluator `falco`, and their translation for the rule loader."""

from pathlib import Path
from typing import Annotated, Final, Literal, Self

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from mozu.core.api import Settings
from mozu.core.language.rules import Addition, Selector, list_files, located, priority, priority_names

PACKS: Final = Path(__file__).parents[1] / "packs"
"""Mozu's own rules."""
PACK_NAMES: Final = ("host", "container", "kubernetes", "identity", "persistence", "evasion", "exfiltration")
"""Packs of mozu's own rules; each rule is in one, by its tag `pack_NAME`."""
LEVELS: Final = ("low", "medium", "paranoid")
"""Levels, each of which includes the rules of the former ones; a rule's level is its tag `level_NAME`."""
STANDARD: Final = (PACKS, Path("/etc/mozu/rules.local.yaml"), Path("/etc/mozu/rules.d"))


def _known_priority(text: str) -> str:
    if priority(text) is None:
        raise ValueError(f"must be one of {', '.join(name.lower() for name in priority_names())}")
    return text


def _located(path: object) -> object:
    return located(path) if isinstance(path, str) else path


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class RuleMatch(_Strict):
    """Rules that an addition applies to; every given criterion must match."""

    source: str = Field("", description="Rules of this source class.")
    tags: tuple[str, ...] = Field((), description="Rules that have all of these tags.")
    rule: str = Field("", description="The rule of exactly this name.")


class AppendOutput(_Strict):
    """Entry of `append_output`."""

    match: RuleMatch = Field(RuleMatch(), description="Which rules; all, if it is not given.")
    extra_output: str = Field("", description="Text that goes behind the output after a space; may refer to fields.")
    extra_fields: tuple[str | dict[str, str], ...] = Field(
        (), description="Fields (`proc.pid`), or one-key mappings NAME: FORMAT, that only `output_fields` shows."
    )
    suggested_output: bool = Field(False, description="Append NAME=%FIELD for every field suggested for the source.")

    @model_validator(mode="after")
    def _unique_keys(self) -> Self:
        keys = [key for key, _ in self.pairs()]
        twice = next((key for key in keys if keys.count(key) > 1), None)
        if twice is not None:
            raise ValueError(f"extra_fields defines {twice!r} twice")
        return self

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """Return key and format of each extra field."""
        found: list[tuple[str, str]] = []
        for entry in self.extra_fields:
            if isinstance(entry, str):
                found.append((entry, ""))
            elif len(entry) != 1:
                raise ValueError(f"an entry of extra_fields maps one name to one format, and this has {len(entry)}")
            else:
                found.extend(entry.items())
        return tuple(found)

    def addition(self) -> Addition:
        """Return the addition for the loader."""
        return Addition(
            source=self.match.source,
            tags=frozenset(self.match.tags),
            rule=self.match.rule,
            text=self.extra_output,
            fields=self.pairs(),
            suggested=self.suggested_output,
        )


class Target(_Strict):
    """Rules by name or by tag."""

    rule: str = Field("", description="A rule's name; `*` stands for any text.")
    tag: str = Field("", description="A tag.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if bool(self.rule) == bool(self.tag):
            raise ValueError("needs either `rule` or `tag`")
        return self


class Switch(_Strict):
    """Element of `selection`; it has exactly one of these keys."""

    enable: Target | None = Field(None, description="Rules that shall run.")
    disable: Target | None = Field(None, description="Rules that shall not run.")
    shadow: Target | None = Field(
        None, description="Rules in shadow mode from here on: their matches are counted, and raise no alert."
    )
    promote: Target | None = Field(None, description="Rules that leave shadow mode: their matches raise alerts.")

    @model_validator(mode="after")
    def _one(self) -> Self:
        if len(self._given()) != 1:
            raise ValueError("needs exactly one of `enable`, `disable`, `shadow` and `promote`")
        return self

    def _given(self) -> list[tuple[str, Target]]:
        """Return the keys that are given, with their targets."""
        keys = (
            ("enable", self.enable), ("disable", self.disable), ("shadow", self.shadow), ("promote", self.promote),
        )  # fmt: skip
        return [(key, target) for key, target in keys if target is not None]

    def selector(self) -> Selector:
        """Return the selector for the loader."""
        ((action, target),) = self._given()
        return Selector(action, target.rule, target.tag)


class FalcoSettings(Settings):
    """Settings of the evaluator `falco`."""

    rules: tuple[Annotated[Path, BeforeValidator(_located)], ...] = Field(
        STANDARD,
        description="Rule files and directories, in load order; a directory stands for its *.yaml and *.yml by name; "
        "package:NAME/PATH is a file or directory in an installed package.",
    )
    packs: tuple[
        Literal["host", "container", "kubernetes", "identity", "persistence", "evasion", "exfiltration"], ...
    ] = Field(PACK_NAMES, description="Which of mozu's own rules run: those with the tag `pack_NAME` of one of these.")
    level: Literal["low", "medium", "paranoid"] = Field(
        "medium",
        description="Which rules with a tag `level_NAME` run: `low` has those that honest programs hardly ever match, "
        "`medium` more, `paranoid` all. Rules without such a tag run at every level.",
    )
    rule_matching: Literal["first", "all"] = Field(
        "first", description="Whether an event raises an alert for the first rule that matches, or for every one."
    )
    priority: Annotated[str, AfterValidator(_known_priority)] = Field(
        "debug", description="Rules of less importance than this never run."
    )
    selection: tuple[Switch, ...] = Field(
        (),
        description="Rules to enable, to disable, to put in shadow mode and to promote out of it, by name or tag, in "
        "order; later elements win.",
    )
    correlation_groups: int = Field(
        50_000, ge=1,
        description="How many groups (values of `group-by`) one correlation keeps; beyond that the user or container "
        "with the most loses some.",
    )  # fmt: skip
    append_output: tuple[AppendOutput, ...] = Field((), description="What is added to the outputs of which rules.")
    static_fields: dict[str, str] = Field({}, description="Texts that rules and outputs read as static.NAME.")
    rule_times: int = Field(
        1000, ge=0,
        description="How long each rule takes (`rule_seconds_total`) is measured on one event in so many; 0: on none.",
    )  # fmt: skip

    def chosen(self) -> tuple[Selector, ...]:
        """Return selectors that switch off other packs and levels; `selection` comes after them, and may switch rules
        on again."""
        packs = [f"pack_{name}" for name in PACK_NAMES if name not in self.packs]
        levels = [f"level_{name}" for name in LEVELS[LEVELS.index(self.level) + 1 :]]
        return tuple(Selector("disable", tag=tag) for tag in (*packs, *levels))

    def files_read(self) -> tuple[Path, ...]:
        """Return the paths of the rules, and of the files that their lists come from."""
        return (*self.rules, *list_files(self.rules))
