"""Random conditions on opens, and random paths that they may be about."""

import os
import random
import re
from pathlib import Path
from typing import Final

OPENS: Final = ("open", "openat", "openat2", "creat")
PARTS: Final = (
    "etc", "shadow", "passwd", "pam.d", "x", "y", "a.b", "..b", "var", "log", "syslog", "home", "u", ".ssh",
    "id_rsa", "link", "up", ".", "..", "...", "a_rather_long_part_of_a_path",
)  # fmt: skip


def random_path(chance: random.Random, likely: Path) -> bytes:
    """Return a path: plain or odd, short or long, below the tree or elsewhere."""
    separator = chance.choice(("/", "/", "/", "//"))
    path = separator.join(chance.choices(PARTS, k=chance.randint(1, chance.choice((3, 5, 12, 50)))))
    head = chance.choice(("", "", f"{likely}/", f"{likely}/", "/", "./", "../"))
    tail = chance.choice(("", "", "", "", "/", "/.", "é", "\udcff"))
    return os.fsencode(head + path + tail)


def random_test(chance: random.Random, likely: Path) -> str:
    """Return a test on one field of an open."""
    part = chance.choice(PARTS)
    path = chance.choice(
        (f"{likely}/etc/shadow", f"{likely}/{part}", f"{likely}/x/{part}", f"/{part}", f"{likely}/etc")
    )
    other = chance.choice((f"{likely}/var/log", f"{likely}/x/y", f"{likely}", "/"))
    pieces = chance.choice((part, part[:3], f"/{part}", f"{part}/", f"/{part}/"))
    return chance.choice(
        (
            f'fd.name = "{path}"', f'fd.name in ("{path}", "{other}")', f'fd.name != "{path}"',
            f'fd.name startswith "{path}"', f'fd.name startswith anyof ("{path}", "{other}")',
            f'fd.name endswith "{pieces}"', f'fd.name contains "{pieces}"', f'fd.name glob "{likely}/*/{part}"',
            f'fd.name glob "*{pieces}*"', f'fd.name pmatch ("{path}", "{other}")',
            f'fd.realpath = "{path}"', f'fd.realpath != "{path}"', f'fd.realpath startswith "{path}"',
            f'fd.realpath endswith "{pieces}"', f'fd.realpath contains "{pieces}"', f'fd.realpath pmatch ("{path}")',
            f'fd.realpath startswith "{other}"', "fd.realpath exists", "fd.realpath startswith /",
            f'fd.paths = "{path}"', f'fd.paths in ("{path}", "{other}")', f'fd.paths != "{path}"', "fd.paths exists",
            f'fd.paths startswith "{path}"', f'fd.paths endswith "{pieces}"', f'fd.paths contains "{pieces}"',
            f'fd.paths pmatch ("{path}", "{other}")', f'fd.paths glob "{likely}/*/{part}"',
            f'fd.paths regex "{path}/[^/]+"', f'fd.name regex "{likely}/x/[^/]+"', f'fd.realpath regex "{other}[^x]*"',
            f'fd.directory = "{path}"', f'fd.directory in ("{path}", "{other}")', f'fd.directory startswith "{other}"',
            f'fd.filename = "{part}"', f'fd.filename in ("{part}", shadow)', f'fd.filename startswith "{part[:2]}"',
            f'fd.filename endswith "{part[-2:]}"', f'fd.filename contains "{part[:2]}"',
            f'fd.nameraw contains "{pieces}"', f'fd.nameraw = "{path}"', f'fd.nameraw != "{path}"',
            f'fd.nameraw in ("{path}", "{part}")', f'fd.nameraw startswith "{path}"', f'fd.nameraw startswith "{part}"',
            f'fd.nameraw glob "{likely}/*/{part}"', f'fd.nameraw glob "*{part}"',
            "fd.num >= 0", "fd.num = -1", "fd.num < 5", "evt.failed = true",
            "evt.res = SUCCESS", "evt.res != ENOENT", "evt.res startswith E", "evt.rawres >= 0",
            "evt.rawres in (-2, -20)", "evt.is_open_read = true",
            "evt.is_open_write = true", "evt.is_open_exec = true", "evt.arg.flags contains O_CREAT",
            "evt.arg.flags contains anyof (O_DIRECTORY, O_CLOEXEC)", "fd.typechar = f", "fd.type = directory",
            "fd.type in (file, directory)", "evt.type = open", "evt.arg.name startswith /", "proc.name exists",
        )
    )  # fmt: skip


def random_condition(chance: random.Random, likely: Path, depth: int = 0) -> str:
    if depth > 2 or chance.random() < 0.3:
        test = random_test(chance, likely)
        return test if chance.random() < 0.7 else f"not {test}"
    joint = chance.choice((" and ", " and ", " or "))
    whole = joint.join(f"({random_condition(chance, likely, depth + 1)})" for _ in range(chance.randint(2, 3)))
    return whole if chance.random() < 0.85 else f"not ({whole})"


def path_near(chance: random.Random, text: str, likely: Path) -> str:
    """Return a random path, or one that a condition is about, or nearly."""
    constants = re.findall(r'"([^"]+)"', text)
    if not constants or chance.random() < 0.4:
        return os.fsdecode(random_path(chance, likely))
    middle = chance.choice(constants).replace("*", chance.choice(("u", "", "x/y"))).strip("?")
    head = "" if middle.startswith("/") else chance.choice(("/", "/etc/", "x", "/x/"))
    return f"{head}{middle}" + chance.choice(("", "", "", "/x", "x", "/a_rather_long_part_of_a_path"))
