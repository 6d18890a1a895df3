"""Names that the host's files do not have: from the name services that the C library is told to ask (LDAP, SSSD …)."""

import grp
import os
import pwd

from mozu.core.model.event import as_text
from mozu.plugins.enrichers.users.database import PasswdEntry


def user(uid: int) -> PasswdEntry | None:
    """Ask for a uid. Blocks, possibly for as long as a directory server is away."""
    try:
        found = pwd.getpwuid(uid)
    except (KeyError, OverflowError):
        return None
    return PasswdEntry(_text(found.pw_name), _text(found.pw_dir), _text(found.pw_shell))


def group(gid: int) -> str | None:
    """Ask for a gid, likewise."""
    try:
        return _text(grp.getgrgid(gid).gr_name)
    except (KeyError, OverflowError):
        return None


def _text(text: str) -> str:
    """The C library's texts come in the locale's encoding; kernel texts are UTF-8."""
    return as_text(os.fsencode(text))
