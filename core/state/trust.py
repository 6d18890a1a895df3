"""Conditions for trusting a program's name: a path of its script that only root can change, an environment that loads
no code of others."""

import re
from typing import Final

from mozu.core.caches import cached
from mozu.core.state.paths import join

_MOST: Final = 4095
"""The most bytes of an environment that a source reads; what follows is not known."""
_LINKER: Final = re.compile(rb"\0(LD_PRELOAD|LD_AUDIT|LD_LIBRARY_PATH|GCONV_PATH)=([^\0]+)")
"""Pattern of a variable by which the dynamic linker takes code from elsewhere, with its value."""
_INTERPRETERS: Final = {
    "sh": re.compile(rb"\0(?:BASH_ENV|ENV|BASH_FUNC_[^=\0]*|ZDOTDIR|FPATH)=[^\0]"),
    "perl": re.compile(rb"\0(?:PERL5LIB|PERLLIB|PERL5OPT|PERL5DB)=[^\0]"),
    "python": re.compile(
        rb"\0PYTHON(?:PATH|HOME|STARTUP|INSPECT|USERBASE|WARNINGS|BREAKPOINT|PLATLIBDIR|EXECUTABLE)=[^\0]"
    ),
    "ruby": re.compile(rb"\0(?:RUBYOPT|RUBYLIB|GEM_HOME|GEM_PATH)=[^\0]"),
    "node": re.compile(rb"\0(?:NODE_OPTIONS|NODE_PATH)=[^\0]"),
    "php": re.compile(rb"\0(?:PHPRC|PHP_INI_SCAN_DIR)=[^\0]"),
    "awk": re.compile(rb"\0(?:AWKPATH|AWKLIBPATH)=[^\0]"),
    "tcl": re.compile(rb"\0TCLLIBPATH=[^\0]"),
}
"""Part of an interpreter's file name → pattern of variables by which it loads code from elsewhere."""
_OF_ROOT: Final = (b"/usr/", b"/lib/", b"/lib32/", b"/lib64/")
_OF_CONTAINERD: Final = b"/opt/containerd/"
"""Directory that containerd makes for root alone. It puts the one for libraries before LD_LIBRARY_PATH of all that it
starts (plugins/opt of containerd), with a colon behind, if the variable was empty: an element for the working
directory."""
_BUNDLE: Final = re.compile(r"/(?:[^/]+/)*io\.containerd\.runtime\.v[12]\.(?:task|linux)/[^/]+/[^/]+/")
"""Pattern of a container's directory in containerd's state, in which its shim and its runtime work."""


@cached(1024)
def is_loaded_elsewhere(environment: bytes, *, is_root: bool, is_in_bundle: bool = False) -> bool:
    """Return True if the dynamic linker may load code of others into a program with this environment, NUL-separated.

    Libraries of the system may be named. `is_root`: the unread rest of an environment longer than a source reads is
    root's own. `is_in_bundle`: root of the host runs the program in a container's directory of containerd's, which
    LD_LIBRARY_PATH may name by an empty element, and containerd's own libraries as well.
    """
    if len(environment) >= _MOST and not is_root:
        return True
    variables = _LINKER.findall(b"\0" + environment)
    return any(not _is_of_system(name, value, is_in_bundle=is_in_bundle) for name, value in variables)


def is_bundle(directory: str) -> bool:
    """Return True if a directory, with a slash at its end, has the path of a container's in containerd's state."""
    return _BUNDLE.fullmatch(directory) is not None


def is_interpreted_elsewhere(environment: bytes, executable: str) -> bool:
    """Return True if an interpreter with this environment may run code of others beside its script."""
    file, whole = executable.rpartition("/")[2], b"\0" + environment
    return any(name in file and variables.search(whole) for name, variables in _INTERPRETERS.items())


def _is_of_system(name: bytes, value: bytes, *, is_in_bundle: bool) -> bool:
    """Return True if a variable of the linker names only libraries of root's; a bare name is searched in root's
    directories."""
    if name == b"GCONV_PATH":
        return False
    is_path = name == b"LD_LIBRARY_PATH"
    words = [word for word in re.split(rb"[:; ]", value) if word or is_path]
    if is_path and is_in_bundle:
        words = [word for word in words if word and not _is_below(word, _OF_CONTAINERD)]
    return all(_is_library(word, is_directory=is_path) for word in words)


def _is_library(word: bytes, *, is_directory: bool) -> bool:
    if b"/" not in word:
        return not is_directory and b"$" not in word
    return _is_below(word, _OF_ROOT)


def _is_below(word: bytes, places: bytes | tuple[bytes, ...]) -> bool:
    """Return True if a path leads below one of the places by its text alone."""
    return (word + b"/").startswith(places) and b"/../" not in word + b"/" and b"$" not in word


def script_by_its_name(script: str, given: str, cwd: str) -> str:
    """Return the path of a script if only root can make the name that the call was given lead elsewhere; otherwise
    empty.

    The interpreter opens the script again, by the same text. `script`: as the kernel found it; `given`: as the call
    named it, relative to `cwd`. If `/bin` is a link to `/usr/bin`, either is the same.
    """
    if f"/{given}/".count("/../") or not given:
        return ""
    place = join(cwd, given)
    return script if place == script or f"/usr{place}" == script else ""
