"""The source `syscalls` is a plugin that names others, and has no component of its own."""

from mozu.core.api import Kind, SourceChoiceDeclaration
from mozu.core.runtime.builtin_plugins import BUILTINS
from mozu.core.runtime.registry import Registry
from mozu.plugins.sources.syscalls import SyscallsSettings


def test_it_is_declared_as_a_choice_of_two_settings() -> None:
    declared = Registry().plugin(Kind.SOURCE, "syscalls").declaration

    assert isinstance(declared, SourceChoiceDeclaration)
    assert ("source", "fallback") == declared.choices


def test_by_default_it_names_sources_that_mozu_brings() -> None:
    settings = SyscallsSettings()

    assert ("ebpf", {"ptrace": {"others": "refused"}}) == (settings.source, settings.fallback)
    assert {settings.source, *settings.fallback} <= BUILTINS[Kind.SOURCE].keys()
