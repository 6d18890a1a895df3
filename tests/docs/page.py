"""The picture of the page of `mozu view` in the docs: `python -m tests.docs.page` takes it again."""

import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

from playwright.sync_api import sync_playwright

from mozu.plugins.pages.view import exported
from tests.support.requirements import DATA, ROOT

PICTURE: Final = ROOT / "docs/images/view.png"
CHROMIUM: Final = "/usr/bin/chromium"


def recorded_alerts() -> list[dict[str, object]]:
    """Return alerts of the default rules on recorded acts, in the format `json`."""
    found = []
    for file in sorted(map(str, (DATA / "acts").glob("*.jsonl.gz"))):
        command = [sys.executable, "-m", "mozu", "replay", file, "--json"]
        found += subprocess.run(command, check=True, capture_output=True, text=True).stdout.splitlines()
    return [json.loads(line) for line in found]


def take() -> None:
    """Take the picture of a list with an open alert."""
    with TemporaryDirectory() as folder, sync_playwright() as playwright:
        file = Path(folder) / "page.html"
        file.write_bytes(exported(recorded_alerts(), "0.1.0", datetime.now(UTC)))
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])  # root has no sandbox
        page = browser.new_page(viewport={"width": 1280, "height": 720}, color_scheme="light")
        page.goto(file.as_uri())
        page.locator("li.alert > button").first.click()
        page.screenshot(path=PICTURE)
        browser.close()


if __name__ == "__main__":
    take()
