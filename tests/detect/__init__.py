"""The proving ground of mozu's own rules: `make detect`.

    work         ordinary work of a server, which must raise no alert of WARNING or above
    ground       mozu at its default settings beside that work, and its alerts
    attribution  the division of alerts into those of the work and others
    precision    the table of docs/rules/detection.md
    positives    the table of docs/rules/detection.md of the acts that raise each rule
    generator    Falco's event-generator, and the table of docs/rules/detection.md of the rules that its actions raise
    ways         every way to an end, and the page docs/rules/ways.md
"""
