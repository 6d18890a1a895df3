"""`mozu tune`: alerts → the rules that raise most of them → exceptions, with what each would silence → a tested one.

Each step has its module::

    alerts      document of an alert → its rule and values
    proposals   alerts of a rule → exceptions, narrowest first, and how many of the alerts each silences
    effects     an exception → tests and recorded events that it silences, too
    sample      an exception → an event that it silences, and one like it that still raises the alert
    proof       the tests of the exception → why they do not pass, before anything is written
    writing     the chosen exception → items of the local rule file, and tests
"""
