"""Rule files as an editor has them: incomplete most of the time, and asked about at every key stroke.

Each question is answered by its module; none of them needs a file that loads::

    words       text of a condition → words with their meaning, up to any place
    spot        text of a file and a place → the keys around it, and the text before it
    names       the macros, lists and rules of several files, with their places
    uses        the places of a file that name macros and lists         naming   definitions, references, new names
    completion  words that can stand at a place         hover    the meaning of the word at a place
    analysis    findings of `mozu check`, with what is equal since the last time not compiled again
    workspace   the whole, in the form that `core.api.rule_workspace` describes
"""

from mozu.core.language.workspace.workspace import Workspace

__all__ = ["Workspace"]
