"""The constants of the machine that the tests run on, compared with its C library."""

import os

from mozu.core.model.arch import MACHINE, MACHINES


def test_flags_of_open_are_those_of_this_system() -> None:
    """Check without O_LARGEFILE, which is 0 in a 64-bit C library."""
    names = ("O_DIRECT", "O_DIRECTORY", "O_TMPFILE")
    assert {name: getattr(os, name) for name in names} == {name: MACHINE.open_flags[name] for name in names}


def test_machines_differ_in_every_number_that_tells_them_apart() -> None:
    numbers = [(one.audit_arch, one.compat_audit_arch) for one in MACHINES.values()]
    assert len(numbers) * 2 == len({number for pair in numbers for number in pair})
