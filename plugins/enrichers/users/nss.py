"""Names from the name services (NSS) that the C library is configured to query: LDAP, SSSD and so on."""

import grp
import os
import pwd

from mozu.core.model.event import as_text
from mozu.plugins.enrichers.users.passwd import PasswdEntry


def user(uid: int) -> PasswdEntry | None:
    """Return the user (getpwuid); None if unknown. Blocks, perhaps as long as a directory server is away."""
    try:
        found = pwd.getpwuid(uid)
    except (KeyError, OverflowError):
        return None
    return PasswdEntry(_text(found.pw_name), _text(found.pw_dir), _text(found.pw_shell))


def group(gid: int) -> str | None:
    """Return the group's name (getgrgid); None if unknown. Blocks like `user`."""
    try:
        return _text(grp.getgrgid(gid).gr_name)
    except (KeyError, OverflowError):
        return None


def _text(text: str) -> str:
    """Return the text in mozu's form: the C library's texts are in the locale's encoding, kernel texts in UTF-8."""
    return as_text(os.fsencode(text))
