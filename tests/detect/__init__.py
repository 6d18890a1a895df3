"""The proving ground of mozu's own rules: `make detect`.

    work         ordinary work of a server, which must raise no alert of WARNING or above
    ground       mozu at its default settings beside that work, and what it said of it
    attribution  whether an alert is of the work or of something else on the machine
    precision    the table of docs/detection.md
    positives    the table of docs/detection.md of what raises each rule
    generator    Falco's event-generator, and the table of docs/detection.md of what its actions raise
    ways         every way to an end, and the page docs/ways.md
"""
