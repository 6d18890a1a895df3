from typing import Any

import pytest

from mozu.core.delivery.redact import NAMES, Redactor, problem_of, redactor
from mozu.core.delivery.redact.patterns import BUILTIN
from mozu.core.metrics import Metrics
from mozu.core.testing import alert

SECRET = "Hunter2xyz"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0In0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U"


def redacted(values: dict[str, Any], *patterns: str, fields: tuple[str, ...] = ()) -> dict[str, Any]:
    made = alert()
    made.values = values
    Redactor(Metrics(), patterns, fields)(made)
    return made.values


def text(value: str, key: str = "proc.cmdline") -> str:
    found: str = redacted({key: value})[key]
    return found


@pytest.mark.parametrize(
    "line",
    [
        f"app --password {SECRET} --verbose",
        f"app --password={SECRET}",
        f"app --db-password={SECRET} -x",
        f"app -storepass {SECRET}",
        f"app --token '{SECRET}'",
        f'app --secret-key "{SECRET}"',
        f"app --api-key:{SECRET}",
        f"app --password -{SECRET}",
        f"mysql -u root -p{SECRET} shop",
        f"/usr/bin/mysqldump --all-databases -p{SECRET}",
        f"sh -c mysqladmin -uroot -p{SECRET} status",
        f"sshpass -p {SECRET} ssh root@host",
        f"redis-cli -h x -a {SECRET} ping",
        f"curl -u bob:{SECRET} https://example.com/?a=1&b=2",
        f"curl https://example.com/?a=1&b=2 --user bob:{SECRET}",
        f"ldapsearch -x -D cn=admin -w {SECRET}",
        f"docker login -u bob -p {SECRET} registry.example.com",
        f"smbclient //host/share -U bob%{SECRET}",
        f"openssl enc -aes-256-cbc -pass pass:{SECRET}",
        f"kubectl create secret generic x --from-literal=a={SECRET}",
        f"sh -c echo root:{SECRET} | chpasswd",
        f"useradd -m -p {SECRET} bob",
        f"zip -P {SECRET} a.zip b",
        f"htpasswd -cb .htpasswd bob {SECRET}",
        f"curl -H Authorization: Bearer {SECRET} https://example.com",
        f"curl -H 'Authorization: Basic {SECRET}=='",
        f"curl -H authorization:{SECRET}",
        f'curl -H "Authorization: Digest username=\\"x\\", response={SECRET}"',
        f"curl -H X-Api-Key: {SECRET}",
        f"curl -H 'X-Vault-Token: {SECRET}'",
        f"curl -H 'Cookie: session={SECRET}; b=c'",
        f"git clone https://bob:{SECRET}@git.example.com/x.git",
        f"psql postgres://bob:{SECRET}@db/x",
        f"redis://:{SECRET}@cache:6379",
        f"curl https://example.com/?access_token={SECRET}&x=1",
        f"PGPASSWORD={SECRET} psql",
        f"docker run -e MYSQL_ROOT_PASSWORD={SECRET} mysql",
        f"env API_TOKEN={SECRET} CLIENT_SECRET=x app",
        f"AWS_SECRET_ACCESS_KEY={SECRET}",
        f"STRIPE_KEY={SECRET}",
        f"MYSQL_PWD={SECRET}",
        f'curl -d {{"user": "bob", "password": "{SECRET}"}}',
        f'sh -c "curl -d {{\\"password\\":\\"{SECRET}\\"}}"',
        f"db_password: {SECRET}",
        f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN OPENSSH PRIVATE KEY-----{SECRET}",
    ],
)
def test_a_secret_in_a_command_line_is_hidden(line: str) -> None:
    assert (True, False) == ("[redacted]" in text(line), SECRET in text(line))


@pytest.mark.parametrize(
    "line",
    [
        f"echo {JWT}",
        "aws configure AKIAIOSFODNN7EXAMPLE",
        "git clone https://ghp_0123456789abcdefghijABCDEFGHIJ012345@github.com/x",
        "curl slack xoxb-123456789012-abcdefghij",
        "glpat-abcdefghijklmnopqrst",
        JWT,
        f"{JWT} {JWT}",
    ],
)
def test_a_secret_that_gives_itself_away_is_hidden(line: str) -> None:
    assert "[redacted]" in text(line)
    assert JWT not in text(line)


@pytest.mark.parametrize(
    "line",
    [
        "cat /etc/passwd /etc/shadow /root/.ssh/authorized_keys",
        "curl https://example.com:8443/path -o /tmp/x",
        "ssh git@github.com",
        "PWD=/root OLDPWD=/tmp HOME=/root",
        "app --password-file /run/secrets/x --token-path=/x",
        "passwd root",
        "app --token --verbose",
        "mysql -P3306 --protocol tcp",
        "monkey=3 bypass=1 keyboard: us",
        "ssh -p 22 host",
        "mkdir -p /a/b",
        "cp -p a b",
        "",
    ],
)
def test_what_is_no_secret_stays(line: str) -> None:
    assert line == text(line)


def test_what_stands_around_a_secret_stays() -> None:
    assert "mysql -u root -p[redacted] shop" == text(f"mysql -u root -p{SECRET} shop")
    assert "https://bob:[redacted]@db/x?y=1" == text(f"https://bob:{SECRET}@db/x?y=1")


def test_a_whole_environment_loses_its_secrets_only() -> None:
    line = "A=b DB_PASSWORD=correct horse battery API_TOKEN=x2 HOME=/root REDIS_AUTH=y SECRET=z"
    assert "A=b DB_PASSWORD=[redacted] API_TOKEN=[redacted] HOME=/root REDIS_AUTH=[redacted] SECRET=[redacted]" == text(
        line, "proc.env"
    )


@pytest.mark.parametrize("key", ["proc.env[DB_PASSWORD]", "proc.aenv[API_TOKEN]", "toupper(proc.env[SECRET])"])
def test_a_variable_with_the_name_of_a_secret_is_hidden_whole(key: str) -> None:
    assert "[redacted]" == text("correct horse", key)


def test_another_variable_stays() -> None:
    assert "/root" == text("/root", "proc.env[HOME]")


def test_a_secret_that_was_found_is_hidden_wherever_arguments_are() -> None:
    found = redacted({"proc.cmdline": f"app --password {SECRET}", "proc.args": SECRET, "my_key": f"it is {SECRET}"})
    assert ["app --password [redacted]", "[redacted]", "it is [redacted]"] == list(found.values())


def test_a_path_cannot_be_hidden_by_calling_it_a_password() -> None:
    values = {"proc.cmdline": "cat --password /etc/shadow", "fd.name": "/etc/shadow", "proc.exepath": "/etc/shadow"}
    assert values | {"proc.cmdline": "cat --password [redacted]"} == redacted(values)


def test_parameters_of_a_call_print_with_dots() -> None:
    assert SECRET not in text(f"exe=app args=-x.--password.{SECRET}.-y. tid=3", "evt.args")


def test_an_option_and_its_secret_are_two_items_of_a_list() -> None:
    assert ("--password", "[redacted]", "x") == redacted({"l": ("--password", SECRET, "x")})["l"]


def test_bytes_are_looked_through() -> None:
    assert (
        b"\xff\0Authorization: Bearer [redacted]\r\n"
        == redacted({"evt.buffer": b"\xff\0Authorization: Bearer abcdefgh\r\n"})["evt.buffer"]
    )


def test_text_that_is_not_utf_8_stays_what_it_was() -> None:
    assert "\udc80é --password=[redacted] \udcff" == text("\udc80é --password=\udcfe \udcff")


def test_facts_are_looked_through_too() -> None:
    made = alert()
    made.enrichment = {"proc.cmdline": f"app --token={SECRET}", "proc.pid": 1, "tags": ["a", None]}
    Redactor(Metrics())(made)
    assert {"proc.cmdline": "app --token=[redacted]", "proc.pid": 1, "tags": ["a", None]} == made.enrichment


def test_values_that_are_no_text_stay() -> None:
    values = {"a": 1, "b": None, "c": True, "d": 1.5, "e": (1, "x"), "f": f"--password={SECRET}"}
    assert {**values, "f": "--password=[redacted]"} == redacted(values)


def test_an_expression_of_ones_own_hides_its_group_or_all() -> None:
    assert ["id=[redacted]", "[redacted]"] == [
        redacted({"x": "id=itok_12345678"}, pattern)["x"] for pattern in ("id=(itok_[0-9]+)", "id=itok_[0-9]+")
    ]


def test_of_an_expression_with_groups_the_first_that_took_part_is_hidden() -> None:
    values = {"first": "itok_1", "second": "b=itok_2", "neither": "itok_"}
    assert {"first": "[redacted]_1", "second": "b=[redacted]", "neither": "[redacted]"} == redacted(
        values, "^(itok)_1|=(itok_.)|itok_"
    )


def test_so_many_sets_of_keys_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(redactor, "_MOST_KEYS", 2)
    redact, made = Redactor(Metrics()), alert()
    for name in ("A_TOKEN", "B_TOKEN", "C_TOKEN", "A_TOKEN"):
        made.values = {f"proc.env[{name}]": SECRET}
        redact(made)
        assert {f"proc.env[{name}]": "[redacted]"} == made.values
        assert len(redact._special) <= 2


def test_an_expression_of_ones_own_may_ask_for_the_ends_of_a_value() -> None:
    assert ["[redacted]", "an itok1"] == list(redacted({"x": "itok1", "y": "an itok1"}, "^itok1$").values())


def test_a_field_of_ones_own_is_hidden_with_any_argument() -> None:
    found = redacted({"proc.env": "a", "proc.env[B]": "b", "toupper(proc.env)": "c", "x": 1}, fields=("proc.env", "x"))
    assert ["[redacted]"] * 4 == list(found.values())


def test_what_is_hidden_is_counted_by_pattern() -> None:
    metrics, made = Metrics(), alert()
    made.values = {"a": f"--password={SECRET} https://u:{SECRET}@h", "proc.env[TOKEN]": "t"}
    Redactor(metrics)(made)
    counts = {labels["pattern"]: value for name, labels, value in metrics.collect() if name == "redactions_total"}
    assert {"assignment": 1, "url": 1, "environment": 1} == counts


def test_hiding_twice_changes_nothing_property() -> None:
    lines = {f"k{number}": f"app --password={SECRET}{number} x" for number in range(20)}
    once = redacted(lines)
    assert once == redacted(once)


def test_a_pattern_that_matches_the_mark_ends() -> None:
    assert "redact" in redacted({"x": f"--password={SECRET}"}, "red")["x"]


@pytest.mark.parametrize(
    "piece", ["a", "--password=", "--password x ", '"', "curl ", "://a:b@ ", "\\", '{"token":"x"}\n', "_-.", "A=b "]
)
def test_long_hostile_text_ends(piece: str) -> None:
    assert isinstance(text(piece * (1 << 16)), str)


@pytest.mark.parametrize(
    ("expression", "problem"),
    [
        ("a+", ""),
        ("é(", "missing ): é("),
        ("a*", "it matches the empty text"),
        ("(?<x>a)\\1", "invalid escape sequence: \\1"),
    ],
)
def test_an_expression_that_cannot_be_used_is_reported_once(
    capfd: pytest.CaptureFixture[str], expression: str, problem: str
) -> None:
    """Check that RE2 does not write to standard error itself."""
    problem_of.cache_clear()
    assert (problem, "") == (problem_of(expression), capfd.readouterr().err)


def test_every_name_in_the_metric_is_documented() -> None:
    assert {name for name, _ in BUILTIN} <= set(NAMES)


@pytest.mark.parametrize("first", ["values", "enrichment"])
def test_a_secret_that_was_found_in_one_part_of_an_alert_is_hidden_in_the_other(first: str) -> None:
    made = alert()
    parts: dict[str, dict[str, Any]] = {
        "values": {"proc.args": SECRET}, "enrichment": {"proc.pcmdline": SECRET},
    }  # fmt: skip
    parts[first] = {"proc.cmdline": f"app --password {SECRET}"}
    made.values, made.enrichment = parts["values"], parts["enrichment"]
    Redactor(Metrics())(made)
    assert SECRET not in f"{made.values} {made.enrichment}"


def test_a_secret_that_comes_after_the_value_that_repeats_it_is_hidden_there() -> None:
    found = redacted({"my_key": (f"it is {SECRET}", 3), "raw": SECRET.encode(), "proc.args": f"--password={SECRET}"})
    assert {
        "my_key": ("it is [redacted]", 3), "raw": b"[redacted]", "proc.args": "--password=[redacted]",
    } == found  # fmt: skip


def test_of_two_secrets_the_longer_is_looked_for_first() -> None:
    found = redacted({"a": "app --password=correct --token=correcthorse", "b": "correcthorse"})
    assert "[redacted]" == found["b"]


def test_a_secret_of_six_bytes_is_looked_for_elsewhere_and_a_shorter_one_is_a_word() -> None:
    found = redacted({"a": "app --password=battle --token=horse", "b": "battle", "c": "horse"})
    assert ("[redacted]", "horse") == (found["b"], found["c"])


def test_so_many_secrets_of_one_alert_are_looked_for_elsewhere() -> None:
    secrets = [f"secret{number:03}" for number in range(70)]
    words = " ".join(f"--password={secret}" for secret in secrets)
    found = str(redacted({"a": f"app {words}", "b": " ".join(secrets)})["b"])
    assert 64 == found.count("[redacted]")
    assert secrets[63] not in found
    assert secrets[64] in found


def test_a_field_of_ones_own_hides_no_other_field() -> None:
    values = {"proc.args": "one", "fd.name": "/x", "fd.name[1]": "two", "toupper(proc.pname)": "three"}
    assert values | {"proc.args": "[redacted]"} == redacted(values, fields=("proc.args",))


def test_what_a_variable_with_the_name_of_a_secret_holds_is_hidden_elsewhere() -> None:
    found = redacted({"proc.env[DB_PASSWORD]": "correcthorse", "my_key": "it is correcthorse"})
    assert ["[redacted]", "it is [redacted]"] == list(found.values())


def test_a_short_secret_behind_its_option_in_a_list_is_hidden_there() -> None:
    assert ("--password", "[redacted]", "abc") == redacted({"l": ("--password", "abc", "abc")})["l"]


def test_a_number_behind_an_option_in_a_list_stays() -> None:
    values = ("--password", 3, f"--password={SECRET}")
    assert ("--password", 3, "--password=[redacted]") == redacted({"l": values})["l"]


def test_patterns_of_ones_own_are_counted_from_1() -> None:
    metrics, made = Metrics(), alert()
    made.values = {"proc.cmdline": "app one two"}
    Redactor(metrics, ("one", "two"))(made)
    assert {"extra_1", "extra_2"} == {label for _, labels, _ in metrics.collect() for label in labels.values()}
