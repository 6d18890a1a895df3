"""The table `forms`: parts that the alerts of a rule have in common, stored once."""

import sqlite3

from mozu.core.delivery.packed_alert import MOST_FORMS, AlertForm, unpack_form


class FormTable:
    """The table in one open database, with a cache of the last forms read and written."""

    def __init__(self, db: sqlite3.Connection) -> None:
        self._db = db
        self._forms: dict[int, AlertForm] = {}
        self._numbers: dict[bytes, int] = {}

    def number(self, raw: bytes) -> int:
        """Return the number of a form, which is stored if it is new."""
        number = self._numbers.get(raw)
        if number is None:
            self._db.execute("INSERT OR IGNORE INTO forms (raw) VALUES (?)", (raw,))
            number = int(self._db.execute("SELECT id FROM forms WHERE raw = ?", (raw,)).fetchone()[0])
            if len(self._numbers) >= MOST_FORMS:
                self._numbers.clear()
            self._numbers[raw] = number
        return number

    def rolled_back(self) -> None:
        """Forget numbers of forms whose transaction was rolled back."""
        self._numbers.clear()

    def get(self, number: int) -> AlertForm:
        """Return the form. Raises msgspec.MsgspecError or ValueError if it is missing or invalid."""
        form = self._forms.get(number)
        if form is None:
            row = self._db.execute("SELECT raw FROM forms WHERE id = ?", (number,)).fetchone()
            if row is None:
                raise ValueError(f"form {number} is missing")
            if len(self._forms) >= MOST_FORMS:
                self._forms.clear()
            form = self._forms[number] = unpack_form(row[0])
        return form
