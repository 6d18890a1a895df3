"""Names from the name services (NSS) that the C library is configured to ask: LDAP, SSSD and so on."""

import grp
import os
import pwd

from mozu.core.model.event import as_text
from mozu.plugins.enrichers.users.passwd import PasswdEntry


def user(uid: int) -> PasswdEntry | None:
    """getpwuid. Blocks, possibly for as long as a directory server is away."""
    try:
        found = pwd.getpwuid(uid)
    except (KeyError, OverflowError):
        return None
    return PasswdEntry(_text(found.pw_name), _text(found.pw_dir), _text(found.pw_shell))


def group(gid: int) -> str | None:
    """getgrgid, likewise."""
    try:
        return _text(grp.getgrgid(gid).gr_name)
    except (KeyError, OverflowError):
        return None


def _text(text: str) -> str:
    """The C library's texts come in the locale's encoding; kernel texts are UTF-8."""
    return as_text(os.fsencode(text))
