"""Tests of rules: `*_test.yaml` beside the rules, for `mozu test` and for pytest. See docs/rule-tests.md.

One step after the other, each in its module::

    reader      file → tests: events as fields, acts, recordings, and what is expected
    given/      fields → an event that the compiled rules read as they read one of a source
    judged      the rules of a test file, compiled as a run compiles them; what they say of an event
    live_run    an act under a source, or a recording, through a whole engine
    suite       all of it: files in, outcomes and coverage out
    coverage    which tests of a condition were seen true, and which false
    report      outcomes → text; junit: → JUnit XML
"""
