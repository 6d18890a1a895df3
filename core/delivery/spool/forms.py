"""The table `forms`: what the alerts of a rule have in common, stored once."""

import sqlite3

from mozu.core.delivery.packed_alert import MOST_FORMS, AlertForm, unpack_form


class FormTable:
    """Of one open database; remembers the last ones that it has read and written."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._forms: dict[int, AlertForm] = {}
        self._numbers: dict[bytes, int] = {}

    def number(self, raw: bytes) -> int:
        """The number of a form, which is stored if it is new."""
        number = self._numbers.get(raw)
        if number is None:
            self._db.execute("INSERT OR IGNORE INTO forms (raw) VALUES (?)", (raw,))
            number = int(self._db.execute("SELECT id FROM forms WHERE raw = ?", (raw,)).fetchone()[0])
            if len(self._numbers) >= MOST_FORMS:
                self._numbers.clear()
            self._numbers[raw] = number
        return number

    def rolled_back(self) -> None:
        """Forms that were stored in the transaction went back with it."""
        self._numbers.clear()

    def get(self, number: int) -> AlertForm:
        """Raises msgspec.MsgspecError or ValueError where it is missing, or is none."""
        form = self._forms.get(number)
        if form is None:
            row = self._db.execute("SELECT raw FROM forms WHERE id = ?", (number,)).fetchone()
            if row is None:
                raise ValueError(f"form {number} is missing")
            if len(self._forms) >= MOST_FORMS:
                self._forms.clear()
            form = self._forms[number] = unpack_form(row[0])
        return form
