"""`mozu why`: why a rule matches an event, or not.

    command      the command line
    run          the event comes from a recording, or from a command that is traced
    evaluator    sees every event, and explains those that are asked about
    stage        an engine without evaluators of its own
    side_run     a run with the rules in force beside a live one: what its kernel filter lets through
    unasked      why a rule was not asked, or its answer did not count
    explanation  what is found, as data
    report       the same as text
"""
