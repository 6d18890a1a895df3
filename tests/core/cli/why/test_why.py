"""`mozu why`: the tree of a rule's condition for one event, and the reasons why a rule was never evaluated."""

import json
import subprocess
import sys
from pathlib import Path
from uuid import UUID

import pytest

from mozu.core.api import Demand, SyscallEvent
from mozu.core.cli.terminal import use_colours
from mozu.core.cli.why.explanation import Unasked
from mozu.core.cli.why.run import Question, made_recordings
from mozu.core.cli.why.side_run import Arrivals, arrived
from mozu.core.cli.why.unasked import discarded_live
from mozu.core.errors import MozuError
from mozu.core.runtime.configure import configure
from tests.core.cli.why.looking import RULES, lines, look, reasons, recording, tree
from tests.support.tracing import environment, ordinary, place

FULL = ("evaluators.falco.rule_matching=all",)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return recording(tmp_path)


def mozu(folder: Path, *arguments: str, stdin: str = "") -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "mozu", *arguments, "-r", str(folder / "rules.yaml")]
    return subprocess.run(command, capture_output=True, text=True, timeout=100, check=False, input=stdin, cwd=folder)


def test_a_match_shows_what_each_clause_read(file: Path) -> None:
    found = look(Question("Secret read", file, 1), file.parent)

    assert found.explanations[0].message == "secret /secret/a read by cat"
    assert tree(found) == [
        "> true   and",
        "> true     and",
        "> true       opened  macro, rules.yaml:4",
        "> true         evt.type in (open, openat)  is openat",
        "> true       fd.name startswith /secret/  is /secret/a",
        "> true       proc.name in (readers)  is cat",
        "> true     not  exception known",
        "> false      and",
        "> false        proc.name = less  is cat",
        "  false        fd.name startswith /secret/public/  is /secret/a",
    ]


def test_of_a_miss_the_clause_that_decided_is_marked(file: Path) -> None:
    found = look(Question("Secret read", file, 2), file.parent)

    assert not found.explanations[0].matches
    assert [line for line in tree(found) if line.startswith(">")] == [
        "> false  and",
        "> false    and",
        "> false      proc.name in (readers)  is vi",
    ]


def test_an_exception_that_decided_is_named(file: Path) -> None:
    found = look(Question("Secret read", file, 3), file.parent)

    assert "> false    not  exception known" in tree(found)


def test_without_a_number_every_match_is_explained(file: Path) -> None:
    found = look(Question("Secret read", file), file.parent)

    assert ([one.number for one in found.explanations], found.matches, found.possible) == ([1, 5], 2, 5)


def test_without_a_match_the_event_that_comes_nearest_is_explained(file: Path) -> None:
    (file.parent / "rules.yaml").write_text((file.parent / "rules.yaml").read_text().replace("[cat, less]", "[emacs]"))
    found = look(Question("Secret read", file), file.parent)

    assert (found.nearest, found.explanations[0].number) == (True, 5)
    assert lines(found)[-1].startswith("None of the 5 events that the rule can match does (of 5 in all)")


def test_a_rule_of_another_source_was_never_asked(file: Path) -> None:
    found = look(Question("Of the cluster", file, 1), file.parent)

    assert reasons(found) == [("source", "it is of the source k8s_audit, and the event is of syscall")]
    assert found.explanations[0].clauses == []


def test_a_rule_that_is_not_enabled_was_never_asked(file: Path) -> None:
    ((kind, text),) = reasons(look(Question("Asleep", file, 1), file.parent))

    assert kind == "idle"
    assert "`enabled: false`" in text


def test_a_rule_that_a_selection_switches_off_was_never_asked(file: Path) -> None:
    found = look(Question("Secret read", file, 1), file.parent, "evaluators.falco.selection=[disable: {rule: Secret*}]")

    assert reasons(found) == [("idle", "the rule does not run: the configuration disables it (`selection`)")]


def test_a_rule_below_the_least_priority_was_never_asked(file: Path) -> None:
    ((kind, text),) = reasons(look(Question("Secret read", file, 1), file.parent, "evaluators.falco.priority=error"))

    assert kind == "idle"
    assert "it has the priority Warning" in text


def test_an_event_of_a_type_that_the_rule_cannot_match_was_never_asked_about(file: Path) -> None:
    rules = file.parent / "rules.yaml"
    rules.write_text(rules.read_text().replace("evt.type = openat and fd.name = /secret/a", "evt.type = execve"))
    found = look(Question("Asleep", file, 1), file.parent, "evaluators.falco.selection=[enable: {rule: Asleep}]")

    assert reasons(found) == [("event_type", "it can only match execve, and the event is openat")]


def test_an_event_that_the_kernel_filter_discards_was_never_asked_about(file: Path) -> None:
    ((kind, text),) = reasons(look(Question("Secret read", file, 4), file.parent))

    assert kind == "kernel_filter"
    assert "ebpf discards it, since no rule in force can match it" in text
    assert "fd.name startswith /secret/" in text


def test_an_event_that_passes_the_kernel_filter_for_another_rule_was_asked_about(file: Path) -> None:
    found = look(Question("Anything read", file, 1), file.parent)

    assert not found.explanations[0].matches
    assert reasons(found) == []


def test_a_match_behind_another_rule_raises_no_alert(file: Path) -> None:
    found = look(Question("Anything read", file, 5), file.parent)

    assert found.explanations[0].matches
    assert reasons(found) == [
        ("earlier_rule", "the rule `Secret read` comes before it and matches too (`rule_matching: first`)")
    ]
    assert reasons(look(Question("Anything read", file, 5), file.parent, *FULL)) == []


def test_a_match_of_a_rule_in_shadow_mode_raises_no_alert_and_hides_none(file: Path) -> None:
    shadow = "evaluators.falco.selection=[shadow: {rule: Secret read}]"
    (reason,) = reasons(look(Question("Secret read", file, 1), file.parent, shadow))

    assert reason == ("shadow", "the rule is in shadow mode: its matches are counted, and raise no alert")
    assert reasons(look(Question("Anything read", file, 5), file.parent, shadow)) == []


def test_secrets_are_hidden_unless_that_is_switched_off(file: Path) -> None:
    hidden = look(Question("Secret read", file, 1), file.parent, "redact.fields=[fd.name]")
    shown = look(Question("Secret read", file, 1), file.parent, "redact.fields=[fd.name]", "redact.enabled=false")

    assert "/secret/a" not in "\n".join(lines(hidden))
    assert "/secret/a" in "\n".join(lines(shown))


def test_a_number_that_no_event_has_is_an_error_that_says_which_there_are(file: Path) -> None:
    done = mozu(file.parent, "why", "Secret read", "--event", f"{file}:99")

    assert done.returncode == 1
    assert "has no event 99 that rules see (the first is 1, the last 5" in done.stderr


def test_an_unknown_rule_is_an_error_with_the_one_that_is_meant(file: Path) -> None:
    with pytest.raises(MozuError, match="no rule is called 'Secret red'; did you mean 'Secret read'"):
        look(Question("Secret red", file, 1), file.parent)


def test_the_id_of_an_alert_leads_to_its_event_and_rule(file: Path) -> None:
    alerts = [json.loads(line) for line in mozu(file.parent, "replay", str(file), "--json").stdout.splitlines()]
    found = look(Question(file=file, alert=UUID(alerts[1]["uuid"])), file.parent)

    assert (found.explanations[0].rule.name, found.explanations[0].number) == ("Secret read", 5)


def test_an_alert_as_json_leads_there_too(file: Path) -> None:
    alert = mozu(file.parent, "replay", str(file), "--json").stdout.splitlines()[0]
    done = mozu(file.parent, "why", "Anything read", "--alert", "-", "--event", str(file), "--json", stdin=alert)

    (explanation,) = json.loads(done.stdout)["explanations"]
    assert (explanation["rule"], explanation["event"]["num"], explanation["matches"]) == ("Anything read", 1, False)


def test_an_alert_is_looked_for_in_the_recordings_that_the_configuration_makes(file: Path) -> None:
    kept = file.parent / "kept.jsonl.gz"
    done = mozu(file.parent, "replay", str(file), "--json", "--record", str(kept))
    alert = UUID(json.loads(done.stdout.splitlines()[0])["uuid"])
    config, _ = configure(None, (f"record.file={kept}",))
    found = look(Question(alert=alert), file.parent, f"record.file={kept}")

    assert made_recordings(config, alert) == [kept]
    assert found.explanations[0].number == 1


def test_an_alert_of_another_recording_is_not_found(file: Path) -> None:
    done = mozu(file.parent, "why", "--alert", "019b76da-a806-8673-88d7-fd15c4751d3c", "--event", str(file))

    assert done.returncode == 1
    assert "no event of the alert" in done.stderr


def test_a_command_is_run_and_explained(file: Path) -> None:
    rules = file.parent / "rules.yaml"
    rules.write_text(rules.read_text().replace("/secret/", f"{file.parent}/"))
    done = mozu(file.parent, "why", "Secret read", "--act", f"cat {file} > /dev/null", "--json")

    (explanation,) = json.loads(done.stdout)["explanations"]
    assert explanation["matches"]
    assert explanation["event"]["fields"]["proc.name"] == "cat"


def test_the_event_must_be_given_in_one_way(file: Path) -> None:
    both = ("Secret read", "--act", "true", "--event", str(file))
    for arguments in (("Secret read",), both, ("--act", "true")):
        assert mozu(file.parent, "why", *arguments).returncode == 2


def test_colours_are_for_terminals(file: Path) -> None:
    found = look(Question("Secret read", file, 2), file.parent)

    assert any("\x1b[31mfalse" in line for line in lines(found, colours=True))
    assert not any("\x1b" in line for line in lines(found))


def test_no_color_keeps_colours_out_of_a_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.stdout, "isatty", lambda: True)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.delenv("NO_COLOR", raising=False)
    assert use_colours()
    monkeypatch.setenv("NO_COLOR", "1")
    assert not use_colours()


def test_in_a_narrow_terminal_values_get_lines_of_their_own(file: Path) -> None:
    text = lines(look(Question("Secret read", file, 2), file.parent), limit=52)
    clauses = text[text.index("") + 1 :]

    assert max(map(len, clauses)) <= 55
    assert clauses[3:7] == [
        "  true         evt.type in (open, openat)  is openat",
        "  true       fd.name startswith /secret/",
        "               is /secret/a",
        "> false      proc.name in (readers)  is vi",
    ]


@pytest.mark.ebpf
@pytest.mark.parametrize(("read", "matches"), [("secret/a", True), ("other", False)])
def test_a_live_run_beside_shows_what_the_kernel_filter_discards(tmp_path: Path, read: str, matches: bool) -> None:
    (tmp_path / "secret").mkdir()
    for name in ("secret/a", "other"):
        (tmp_path / name).write_text("")
    rules = tmp_path / "rules.yaml"
    rules.write_text(RULES.replace("/secret/", f"{tmp_path}/secret/"))
    question = Question("Secret read", command=("cat", f"{tmp_path}/{read}"), under="ebpf")

    found = look(question, tmp_path)

    (about,) = [one for one in found.explanations if one.matches == matches]
    assert [f"{tmp_path}/{read}"] == [value.value for value in about.about if value.name == "fd.name"]
    if matches:
        assert [] == reasons(found)
    else:
        (reason,) = reasons(found)
        assert reason[0] == "kernel_filter"
        assert "discarded it, in a run with the rules in force beside this one" in reason[1]
        assert f"finds false: fd.name startswith {tmp_path}/secret/" in reason[1]


@pytest.mark.live  # as another user
def test_without_privileges_a_live_run_is_refused_and_a_traced_one_named() -> None:
    drop, interpreter = ordinary()
    with place() as home:
        (home / "rules.yaml").write_text(RULES)
        done = subprocess.run(
            [*drop, interpreter, "-m", "mozu", "why", "Secret read", "-r", "rules.yaml", "--act", "ls", "--under=ebpf"],
            cwd=home, env=environment(home), capture_output=True, text=True, timeout=100, check=False,
        )  # fmt: skip
    assert (done.returncode, done.stdout) == (1, "")
    assert "ebpf" in done.stderr


def called(*calls: tuple[int, int, str, int]) -> Arrivals:
    """Return arrivals that noted these calls: number, thread, type, time."""
    noted = Arrivals(Demand(), lambda event: event.num != 9)
    noted.evaluate([SyscallEvent("syscall", kind, time, number, tid=tid) for number, tid, kind, time in calls])
    return noted


def test_a_call_has_arrived_if_its_thread_made_it_at_about_that_time() -> None:
    whole = called((1, 5, "openat", 1000), (2, 5, "openat", 2000), (3, 6, "openat", 1000), (4, 5, "close", 2000))
    filtered = called((1, 5, "openat", 2040), (9, 6, "openat", 1000))

    assert {1: False, 2: True, 3: False, 4: False, 8: True} == {
        number: arrived(number, whole, filtered) for number in (1, 2, 3, 4, 8)
    }


def test_what_a_live_run_shows_takes_the_place_of_what_was_computed() -> None:
    computed = Unasked("kernel_filter", "discards it; what it tests: fd.num = 3", "fd.num = 3")
    idle = Unasked("idle", "it does not run")
    earlier = Unasked("earlier_rule", "another one comes before")

    assert [] == discarded_live([computed], "ebpf", arrived=True)
    assert [idle] == discarded_live([idle], "ebpf", arrived=False)
    assert [earlier] == discarded_live([earlier], "ebpf", arrived=True)
    (shown,) = discarded_live([computed, earlier], "ebpf", arrived=False)
    assert shown.text.endswith("beside this one; what it tests of this rule and finds false: fd.num = 3")
