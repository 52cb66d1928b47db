"""A real browser, Chromium without a window, for pictures and tests of what a student sees."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page, sync_playwright
from playwright.sync_api import TimeoutError as NotThere

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
MISSING = (
    "there is no Chromium: install it (Debian: `apt-get install chromium`; elsewhere Chrome will do), "
    "or name its program in $CHROMIUM"
)
# Milliseconds: a server starts in a few seconds; on a machine that is busy with tests it takes longer.
TIMEOUT = 120_000


def find_browser() -> str:
    """Return the path of Chromium or Chrome. Raises LookupError with the way to get one."""
    found = next(filter(None, map(shutil.which, (os.environ.get("CHROMIUM", ""), *NAMES))), None)
    if not found:
        raise LookupError(MISSING)
    return found


@contextmanager
def open_page(width: int = 1200, height: int = 760) -> Iterator[Page]:
    """A page of a new browser that knows nobody."""
    with sync_playwright() as playwright:
        # Chromium has no sandbox for root, as which tests in a container run.
        options = ["--no-sandbox"] if os.geteuid() == 0 else []
        browser = playwright.chromium.launch(executable_path=find_browser(), args=options)
        page = browser.new_page(viewport={"width": width, "height": height})
        page.set_default_timeout(TIMEOUT)
        yield page
        browser.close()


def sign_in(page: Page, link: str, name: str, password: str) -> None:
    """Sign in with a shared password, up to whatever the hub shows then."""
    page.goto(f"{link}/hub/login")
    page.fill("#username_input", name)
    page.fill("#password_input", password)
    page.click("#login_submit")


def choose_person(page: Page, link: str, name: str, password: str) -> None:
    """Sign in at a stand-in: by the button of the sign-in page, or by the link to the stand-in of an LMS."""
    page.goto(f"{link}/hub/login")
    page.click("a[href$='/hub/trial/provider'], a[href*='oauth_login?']")
    page.get_by_role("radio", name=name).check()
    page.fill("#password", password)
    page.get_by_role("button", name="Sign in").click()


def wait_for_lab(page: Page) -> None:
    """Wait until JupyterLab is there."""
    page.wait_for_url("**/lab**")
    page.wait_for_selector("#jupyterlab-splash", state="detached")
    page.wait_for_selector(".jp-DirListing-content")


def open_lab(page: Page, link: str, name: str, password: str) -> None:
    """Sign in with a shared password, and wait until JupyterLab is there."""
    sign_in(page, link, name, password)
    wait_for_lab(page)


def read_file(page: Page, link: str, user: str, name: str, text: str) -> None:
    """Open a file of the home in a JupyterLab that has nothing else open, and wait until its text is there."""
    page.goto(f"{link}/user/{user}/lab/tree/{name}?reset")
    page.locator(".jp-DirListing-item", has_text=name).wait_for()
    page.locator(".jp-FileEditor .cm-content", has_text=text).wait_for()


def run_cell(page: Page, result: str) -> None:
    """Run the cell that is edited until it has a result: JupyterLab forgets what runs before the kernel is there."""
    output = page.locator(".jp-OutputArea-output", has_text=result).first
    for left in reversed(range(10)):
        page.keyboard.press("Control+Enter")
        try:
            output.wait_for(timeout=TIMEOUT / 10)
        except NotThere:
            if not left:
                raise
        else:
            return
        page.keyboard.press("Enter")
