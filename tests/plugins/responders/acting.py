"""An incident of a real process, for responders without the core."""

import time

from mozu.core.api import AlertProcess, Incident
from mozu.core.common.cgroup_control import cgroups_of
from mozu.core.respond.process_facts import process_facts
from mozu.core.testing import alert


def incident_of(pid: int) -> Incident:
    """An alert about this process."""
    facts = process_facts(pid)
    assert facts is not None
    start = facts.start + time.time_ns() - time.clock_gettime_ns(time.CLOCK_BOOTTIME)
    process = AlertProcess(pid, start=start, name=facts.name, uid=facts.uid, cgroups=cgroups_of(pid))
    return Incident(alert(), process)
