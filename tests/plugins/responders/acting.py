"""An incident of a real process, for responders without the core."""

from mozu.core.api import AlertProcess, Incident
from mozu.core.common.cgroup_control import cgroups_of
from mozu.core.respond.process_facts import process_facts
from mozu.core.testing import alert


def incident_of(pid: int) -> Incident:
    """Return an incident with an alert about this process."""
    facts = process_facts(pid)
    assert facts is not None
    process = AlertProcess(pid, name=facts.name, uid=facts.uid, cgroups=cgroups_of(pid), boot_start=facts.start)
    return Incident(alert(), process)
