"""Correlations: rules over more than one event, in Sigma's vocabulary. Pure: no I/O, no clock but that of the events.

window      the types, the groups of one correlation, and `step`, which takes one match
groups      the groups in bounded memory, with an eviction that is fair by account
correlator  events → matches: keys, values and texts that are read of an event that counts
"""

from mozu.core.language.correlation.correlator import Correlator, Reads
from mozu.core.language.correlation.groups import Groups
from mozu.core.language.correlation.window import Completed, CorrelationState, StepMatch, Window, step

__all__ = ["Completed", "CorrelationState", "Correlator", "Groups", "Reads", "StepMatch", "Window", "step"]
