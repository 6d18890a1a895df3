import argparse

from benchmarks.rule_sets import add_options, chosen
from mozu.plugins.rules.falco.settings import FalcoSettings


def names(*arguments: str) -> list[str]:
    parser = argparse.ArgumentParser()
    add_options(parser)
    return [one.name for one in chosen(parser.parse_args(arguments))]


def test_a_set_of_rules_is_called_by_its_file_or_how_many_they_are() -> None:
    assert ["falco_rules.yaml", "2 rule files"] == names("--rules", "x/falco_rules.yaml", "--rules", "a", "b")


def test_levels_stand_beside_files() -> None:
    assert ["a.yaml", "level low", "level medium"] == names("--level", "low", "--rules", "a.yaml", "--level", "medium")


def test_without_any_there_are_the_rules_of_the_default_configuration() -> None:
    parser = argparse.ArgumentParser()
    add_options(parser)
    assert [FalcoSettings()] == [one.settings for one in chosen(parser.parse_args([]))]
