"""Secrets in command lines: programs with short options that take one, if the program is unambiguous.

Each entry is a pair: the program's name, and the text right before the secret. Other arguments may be between them.
"""

from typing import Final

_START: Final = r"(?:^|[\s/\"'\x00;|&(`=])"
_SPACE: Final = r"[ \t\x00]"
_BEFORE: Final = r"[ \t\x00.=]"
"""Text before an option; parameters of calls print with dots instead of NULs."""
_VALUE: Final = r"[\"']?([^\s\x00\"']+)"

_TABLE: Final = (
    (r"(?:mysql[a-z]*|mariadb(?:-[a-z]+)?|mycli)", r"-p"),
    (r"sshpass", rf"-p{_SPACE}*"),
    (r"redis-cli", rf"-a{_SPACE}+"),
    (r"(?:curl|wget|http|https|xh)", r"(?:-u|-U|--user|--proxy-user)[= \t\x00]*[\"']?[^\s\x00:\"']*:"),
    (r"ldap[a-z]+", rf"-w{_SPACE}*"),
    (r"(?:docker|podman|nerdctl|helm|oras|crane|skopeo|buildah|oc|az)[^\n]*?\blogin", rf"-p{_SPACE}*"),
    (r"(?:smbclient|rpcclient|smbmap|net|wmic|winexe|mount\.cifs)", rf"-U{_SPACE}*[\"']?[^\s\x00%]+%"),
    (r"mongo(?:sh|dump|restore|export|import)?", rf"-p{_SPACE}*"),
    (r"(?:xfreerdp|wlfreerdp|rdesktop)", rf"(?:/p:|-p{_SPACE}*)"),
    (r"user(?:add|mod)", rf"-p{_SPACE}*"),
    (r"(?:zip|unzip)", rf"-P{_SPACE}*"),
    (r"7z[ar]?", r"-p"),
    (r"htpasswd", rf"-[a-zA-Z]*b[a-zA-Z]*{_SPACE}+\S+{_SPACE}+\S+{_SPACE}+"),
)

COMMANDS: Final = (
    *(rf"{_START}{program}(?:{_BEFORE}[^\n]*?)?{_BEFORE}{option}{_VALUE}" for program, option in _TABLE),
    rf"\bpass:{_VALUE}",
    rf"--from-literal(?:=|{_SPACE})[\"']?[^\s\x00=]+={_VALUE}",
    r"[\w.-]+:([^\s\"']+)[\"']?\s*\|\s*(?:sudo\s+)?chpasswd\b",
)
"""Regular expressions whose group is the secret."""
