"""Responses: the steps between an alert and a responder's act that make the act safe.

    responses       one alert through all of the following steps, for each responder that acts on it
    subject         the process of an alert, as of its event
    targets         the processes of an act: found, held by pidfd, and confirmed as the intended ones
    confirmation    the check that a held process is that of the event, if its start time cannot show it
    process_facts   facts about a process from /proc
    sharers         processes that share a table of descriptors
    protection      processes that are never acted on, and those that an operator allows
    kernel_acts     acts of sources in the kernel, before the event arrived
    budget          number of acts a minute: for a rule, for an account, in all
    kill_switch     switches off all responders at once
    act_records     records of an act: an audit entry, an alert, a count
    audit_log       append-only, chained log of acts and refusals
    standing        acts that last until they are undone
    lasting_acts    undoing of expired and of interrupted acts
"""
