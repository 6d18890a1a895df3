"""Responses: what happens between an alert and the act of a responder, and makes it safe.

    responses       one alert through all of the following, for each responder that is to act
    subject         the process of an alert, as of its event
    targets         the processes of an act: found, held by pidfd, and known to be the ones that were meant
    confirmation    whether a process that is held is the one of the event, where its start cannot tell
    process_facts   what /proc says of a process
    sharers         processes that share a table of descriptors
    protection      what is never acted on, and what an operator allows
    kernel_acts     what sources have done in the kernel, before their event came
    budget          how many acts a minute: for a rule, for an account, in all
    kill_switch     everything off, at once
    act_records     what is said of an act: an entry, an alert, a count
    audit_log       what was done and what was not, append-only, chained
    standing        acts that last, until they are undone
    lasting_acts    their undoing, when it is time, and of those that were broken off
"""
