"""ES|QL and Splunk's searches as SQL, clause by clause, as far as docs/integrate/siem.md uses them.

No registry has an engine for either. Each clause becomes a SELECT over the result of the clause before it.
"""

import re
from typing import Final

_NAME: Final = r"@?[A-Za-z_][\w@]*(?:\.\w+)*"
_ESQL_WORDS: Final = (
    (r"==", "="),
    (r"\bCASE\(([^,()]+), ([^,()]+), ([^,()]+)\)", r"CASE WHEN \1 THEN \2 ELSE \3 END"),
    (r"\bTO_LONG\(([^()]+)\)", r"CAST(\1 AS BIGINT)"),
    (r'\bDATE_DIFF\("seconds", (\w+), NOW\(\)\)', r"date_diff('second', CAST(\1 AS TIMESTAMPTZ), now())"),
    (r'"([^"]*)"', r"'\1'"),
    (rf"(?<![\w'.])({_NAME}\.\w+|@timestamp)", r'"\1"'),
)
_SPL_WORDS: Final = (
    (r"\bdc\((\w+)\)", r"count(DISTINCT \1)"),
    (r"\bmax\(eval\(if\(([^,]+), ([^,]+), ([^,()]+)\)\)\)", r"max(CASE WHEN \1 THEN \2 ELSE \3 END)"),
    (r"\bnow\(\)", "epoch(now())"),
    (r'"([^"]*)"', r"'\1'"),
    (rf"(?<![\w'.])({_NAME}\.\w+)", r'"\1"'),
)


def esql(query: str, table: str) -> str:
    """Return the SQL that a query of ES|QL means over `table`, whose columns have dotted names."""
    begin, *clauses = [clause.strip() for clause in re.split(r"(?:^|\n)\|", query)]
    assert begin.startswith("FROM mozu-alerts*"), begin
    sql = f"SELECT * FROM {table}"
    for clause in clauses:
        command, _, rest = clause.partition(" ")
        rest = _words(rest, _ESQL_WORDS)
        if command == "WHERE":
            sql = f"SELECT * FROM ({sql}) WHERE {rest}"
        else:
            assert command == "STATS", clause
            made, keys = re.split(r"\s+BY\s+", rest)
            named = re.sub(r"(\w+) = (.*?)(?=, \w+ = |,\s+\w+ = |$)", r"\2 AS \1", made, flags=re.DOTALL)
            sql = f"SELECT {keys}, {named} FROM ({sql}) GROUP BY {keys}"
    return sql


def spl(query: str, table: str) -> str:
    """Return the SQL that a search of Splunk means over `table`, whose columns are the fields of events."""
    begin, *clauses = [clause.strip() for clause in re.split(r"(?:^|\n)\|", query)]
    conditions = " AND ".join(re.findall(r'\w+="[^"]*"', begin))
    sql = f"SELECT * FROM {table} WHERE {_words(conditions, _SPL_WORDS)}"
    for clause in clauses:
        command, _, rest = clause.partition(" ")
        rest = _words(rest, _SPL_WORDS)
        if command == "where":
            sql = f"SELECT * FROM ({sql}) WHERE {rest}"
        else:
            assert command == "stats", clause
            made, keys = re.split(r"\s+BY\s+", rest)
            grouped = ", ".join(keys.split())
            named = re.sub(r"(AS [a-z]+)\s+", r"\1, ", made)
            sql = f"SELECT {grouped}, {named} FROM ({sql}) GROUP BY {grouped}"
    return sql


def _words(text: str, table: tuple[tuple[str, str], ...]) -> str:
    for pattern, replacement in table:
        text = re.sub(pattern, replacement, text)
    return text
