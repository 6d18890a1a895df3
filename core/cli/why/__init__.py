"""`mozu why`: explains why a rule matches an event, or not.

    command      the command line
    run          a run over a recording, or over a command that is traced
    evaluator    sees every event, and explains the requested ones
    bare_engine  an engine without evaluators of its own
    side_run     a run with the rules in force beside a live one: shows what its kernel filter lets through
    unasked      reasons why a rule was not evaluated, or its match did not count
    explanation  findings as data
    report       findings as text
"""
