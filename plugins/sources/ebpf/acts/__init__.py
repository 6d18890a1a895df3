"""Acts in the kernel, by the rules of responders: kills at a call or an exec, denials before it.

kill_programs  programs of kill rules, and the maps that arm them
deny_programs  programs of deny rules at hooks of the security modules, and their reports
in_kernel      both for one source across its starts, and beyond mozu's death (pins)
"""
