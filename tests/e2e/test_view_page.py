"""The page of `mozu view --export` in a real browser: Debian's Chromium, driven by Playwright."""

import random
import shutil
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Browser, Page, sync_playwright

from mozu.plugins.pages.view import exported
from tests.docs.page import CHROMIUM, recorded_alerts
from tests.support.requirements import require

pytestmark = pytest.mark.live

HOSTILE: Final = "<img src=x onerror=alert(1)>\u202e'; touch /tmp/owned; '"
Alerts = list[dict[str, Any]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser without a window."""
    require(shutil.which(CHROMIUM) is not None, "Debian's Chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])  # root has no sandbox
        yield browser
        browser.close()


@pytest.fixture(scope="module")
def recorded() -> Alerts:
    """Alerts of many default rules."""
    found = recorded_alerts()
    assert len({one["rule"] for one in found}) > 10
    return found


class Shown:
    """A page in the browser, with what it asked for and complained of."""

    def __init__(self, page: Page, file: Path) -> None:
        self.page, self.complaints = page, list[str]()
        self.requests = list[str]()
        page.on("console", lambda message: self.complaints.append(message.text))
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("request", lambda request: self.requests.append(request.url))
        page.goto(file.as_uri())
        page.wait_for_selector("li.alert")

    @property
    def listed(self) -> str:
        return self.page.locator("#listed").inner_text()

    def open(self, text: str) -> str:
        """Open the first row with this text; return the text of its detail."""
        self.page.locator("li.alert > button", has_text=text).first.click()
        return self.page.locator("#detail").inner_text()


def shown(browser: Browser, folder: Path, alerts: Sequence[dict[str, Any]], **options: Any) -> Shown:
    """Open the page of these alerts."""
    file = folder / "page.html"
    file.write_bytes(exported(alerts, "1.0", datetime(2026, 12, 4, tzinfo=UTC)))
    return Shown(browser.new_page(**options), file)


def at(second: int, alert: dict[str, Any], **parts: object) -> dict[str, Any]:
    return {**alert, "time": f"2026-12-04T09:00:{second:02}.000000001Z", **parts}


def varied(alerts: Alerts, count: int) -> Iterator[dict[str, Any]]:
    """Yield so many alerts, none like another, as the same programs would raise them at other times."""
    chance = random.Random(7)
    for number in range(count):
        alert = chance.choice(alerts)
        pid, word = chance.randrange(1 << 22), f"{chance.getrandbits(48):012x}"
        fields = {**alert["output_fields"], "proc.pid": pid, "proc.ppid": pid - 1, "evt.time": chance.getrandbits(60)}
        fields["proc.cmdline"] = f"{fields.get('proc.cmdline', '')} {word}"
        yield {
            **alert, "time": f"2026-12-{1 + number % 28:02}T09:{number % 60:02}:00.{chance.getrandbits(29):09}Z",
            "uuid": f"01a2432e-3e55-8b51-8b46-{word}", "correlation_uid": f"01a2432d-ba40-8884-8d62-{word}",
            "output_fields": fields, "output": alert["output"].replace(" (", f" {word} (", 1),
        }  # fmt: skip


def test_the_story_of_an_alert_is_found_with_its_questions(browser: Browser, recorded: Alerts, tmp_path: Path) -> None:
    of_story = [one["rule"] == "Files encrypted by a tool" for one in recorded]
    alerts = [{**one, "correlation_uid": "1" if is_in else ""} for one, is_in in zip(recorded, of_story, strict=True)]
    story = [one for one in alerts if one["correlation_uid"]]
    found = shown(browser, tmp_path, alerts)
    found.page.fill("#text", "openssl enc")
    detail = found.open("Files encrypted by a tool: openssl enc")
    fields = max(story, key=lambda one: str(one["time"]))["output_fields"]
    for part in (
        "Processes, oldest first",
        "Alerts of the same story",
        "If it is not",
        "proc.exepath",
        "/usr/bin/openssl",
    ):
        assert part in detail
    assert f"ps -o pid,ppid,user,lstart,args -p {fields['proc.pid']},{fields['proc.ppid']}" in detail
    assert "mozu tune ALERTS.jsonl --rule 'Files encrypted by a tool'" in detail
    assert found.page.locator("#detail ol > li").count() == len(story) > 2
    assert found.complaints == []
    assert len(found.requests) == 1


def test_alerts_are_folded_and_filtered(browser: Browser, recorded: Alerts, tmp_path: Path) -> None:
    one, other = recorded[0], next(alert for alert in recorded if alert["rule"] != recorded[0]["rule"])
    alerts = [at(1, one), at(2, one), at(3, other, priority="Critical")]
    found = shown(browser, tmp_path, alerts)
    assert found.listed == "3 alerts, 2 different"
    assert "× 2" in found.page.locator("li.alert").nth(1).inner_text()
    found.page.uncheck("#fold")
    assert found.listed == "3 alerts"
    found.page.select_option("#severity", "Critical")
    assert found.listed == "1 of 3 alerts"
    found.page.select_option("#severity", "")
    found.page.select_option("#rule", one["rule"])
    assert found.listed == "2 of 3 alerts"
    found.page.fill("#text", f"{one['output_fields']['proc.name']} no-such-word")
    assert found.listed == "0 of 3 alerts"


def test_keys_move_open_close_and_search(browser: Browser, recorded: Alerts, tmp_path: Path) -> None:
    page = shown(browser, tmp_path, [at(second, recorded[0]) for second in range(3)]).page
    page.uncheck("#fold")
    page.locator("li.alert > button").first.focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("j")
    page.keyboard.press("k")
    page.keyboard.press("Enter")
    assert "09:00:01" in page.locator("#detail").inner_text()
    assert page.evaluate("document.activeElement.id") == "detail-title"
    page.keyboard.press("Escape")
    assert page.locator("#detail").is_hidden()
    assert page.locator("li.alert > button").nth(1).evaluate("(row) => row === document.activeElement")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "text"


def test_hostile_texts_are_shown_and_do_nothing(browser: Browser, recorded: Alerts, tmp_path: Path) -> None:
    notes = {"triage": ["Look: `stat {fd.name}`"], "description": HOSTILE, "false_positives": [HOSTILE]}
    alert = at(
        1, recorded[0], output=HOSTILE, hostname=HOSTILE, rule=HOSTILE, rule_id=HOSTILE, priority=HOSTILE, notes=notes,
        tags=[HOSTILE], next=HOSTILE, output_fields={"fd.name": HOSTILE, "proc.name": HOSTILE, HOSTILE: HOSTILE},
    )  # fmt: skip
    found = shown(browser, tmp_path, [alert])
    detail = found.open("img")
    assert "stat '<img src=x onerror=alert(1)>\\u202e'\\''; touch /tmp/owned; '\\'''" in detail
    assert "\u202e" not in found.page.inner_text("body")
    assert found.page.locator("img").count() == 0
    assert found.complaints == []
    assert len(found.requests) == 1


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1400])
def test_the_page_is_accessible(browser: Browser, recorded: Alerts, tmp_path: Path, scheme: Any, width: int) -> None:
    page = shown(
        browser, tmp_path, recorded, color_scheme=scheme, viewport={"width": width, "height": 900}, bypass_csp=True
    ).page  # the checker is a script that the page's policy refuses
    page.locator("li.alert > button").first.click()
    assert [one["id"] for one in Axe().run(page).response["violations"]] == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_ten_thousand_alerts_are_one_file_of_at_most_five_megabytes(
    browser: Browser, recorded: Alerts, tmp_path: Path
) -> None:
    found = shown(browser, tmp_path, list(varied(recorded, 10_000)))
    assert (tmp_path / "page.html").stat().st_size <= 5_000_000
    assert found.listed == "10,000 alerts"
    rows = found.page.locator("li.alert")
    assert rows.count() < 1_000
    before = rows.count()
    rows.last.scroll_into_view_if_needed()
    found.page.wait_for_selector(f"li.alert:nth-child({before + 1})")
