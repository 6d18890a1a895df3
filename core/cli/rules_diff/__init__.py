"""`mozu rules diff`: what a change of rules does.

    command    the command line
    condition  the relation of two conditions, decided without events
    changes    two loads → differences of rules
    kernel     two loads → differences of demand, and of what a source's filter takes
    recorded   events of recordings that only one of two conditions matches
    report     differences → text, Markdown
"""
