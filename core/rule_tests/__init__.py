"""Tests of rules: `*_test.yaml` beside the rules, for `mozu test` and for pytest. See docs/rules/tests.md.

Each step has its module::

    reader      file → tests: events as fields, acts, recordings, and expectations
    given/      fields → an event that the compiled rules read like one of a source
    judged      the rules of a test file, compiled as for a run, and their results for an event
    live_run    an act under a source, or a recording, through a whole engine
    suite       the whole: files in, outcomes and coverage out
    coverage    which tests of a condition were seen true, and which false
    report      outcomes → text; junit: → JUnit XML
"""
