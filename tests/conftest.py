"""Fixtures of all tests: repositories written by both engines, the real helm and the real chart."""

import fcntl
import hashlib
import os
import shutil
import signal
import sys
import tempfile
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path

import browser
import fetch_helm
import find_chart
import pytest
import yaml
from matrix import CELLS, FORBIDDEN, PAIRS

from repositories import TEMPLATE, tracked, use_home

# A run in the background ignores Ctrl-C, and so would all programs that the tests start and interrupt.
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)


def make_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """Return a folder that the first of the workers makes, and the others only read."""
    shared = factory.getbasetemp()
    folder = (shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared) / name
    with folder.with_name(f"{name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            part = folder.with_name(f"{name}.part")
            shutil.rmtree(part, ignore_errors=True)
            part.mkdir()
            make(part)
            part.rename(folder)
    return folder


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as it stands in the working tree, in a folder without git, so that neither engine clones it."""

    def copy(folder: Path) -> None:
        for name in tracked(TEMPLATE):
            (folder / "z2jh-template" / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(TEMPLATE / name, folder / "z2jh-template" / name)

    return make_once(tmp_path_factory, "template", copy) / "z2jh-template"


@pytest.fixture(scope="session")
def bake(template: Path, cookies_session, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`bake(**answers)`: a repository, written once in a session. Copy it before you change it (see `edited`)."""

    @cache
    def baked(answers: tuple[tuple[str, str], ...]) -> Path:
        def write(folder: Path) -> None:
            result = cookies_session.bake(extra_context=dict(answers), template=str(template))
            if result.exception:
                raise result.exception
            shutil.move(result.project_path, folder / result.project_path.name)

        name = f"baked-{hashlib.sha256(repr(answers).encode()).hexdigest()[:16]}"
        (written,) = make_once(tmp_path_factory, name, write).iterdir()
        # Each worker renders in a copy of its own.
        return Path(shutil.copytree(written, tmp_path_factory.mktemp("baked") / written.name, symlinks=True))

    return lambda **answers: baked(tuple(sorted(answers.items())))


@pytest.fixture
def edited(bake: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """`edited(**answers)`: a repository of one's own, to edit."""

    def copied(**answers: str) -> Path:
        source = bake(**answers)
        return Path(shutil.copytree(source, tmp_path / source.name, symlinks=True))

    return copied


@pytest.fixture
def person(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home of one's own, so that no key of the person who runs the tests is used or written to."""
    use_home(monkeypatch, tmp_path / "home")
    return tmp_path / "home"


@pytest.fixture(scope="session")
def helm() -> str:
    """The path of the helm binary."""
    return os.environ["HELM"]


@pytest.fixture(scope="session")
def chromium() -> str:
    """The path of a browser; skips without one."""
    try:
        return browser.find_browser()
    except LookupError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session", params=["HELM_3", "HELM_4"])
def each_helm(request: pytest.FixtureRequest) -> str:
    """The path of Helm 3, then of Helm 4."""
    return str(fetch_helm.fetch(getattr(fetch_helm, request.param)))


@pytest.fixture(scope="session")
def chart() -> Path:
    """The packaged jupyterhub chart; skips without it.

    A test that only renders templates of the wrapper is marked `chart` instead: it runs with the stand-in as well.
    """
    if "NO_CHART" in os.environ:
        pytest.skip(os.environ["NO_CHART"])
    return Path(os.environ["Z2JH_CHART"])


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark the tests that need the chart, so that `-m chart` selects all that run differently with it."""
    for item in items:
        if "chart" in getattr(item, "fixturenames", ()):
            item.add_marker("chart")


def pytest_configure(config: pytest.Config) -> None:
    """Prepare the environment once, before the workers start, which inherit it.

    The engines and git do not read the configuration of the person who runs the tests, who may have no identity in git,
    and the engines do not write into this person's caches: cookiecutter removes all of its cache for a wrong address.
    """
    if hasattr(config, "workerinput"):
        return
    folder = Path(tempfile.mkdtemp())
    config.add_cleanup(lambda: shutil.rmtree(folder))
    settings = {"cookiecutters_dir": str(folder / "cookiecutters"), "replay_dir": str(folder / "replay")}
    (folder / "cookiecutter.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    (folder / "copier.yaml").write_text("{}\n", encoding="utf-8")
    os.environ["COOKIECUTTER_CONFIG"] = str(folder / "cookiecutter.yaml")
    os.environ["COPIER_SETTINGS_PATH"] = str(folder / "copier.yaml")
    identity = "[user]\nname = Test\nemail = test@example.edu\n[init]\ndefaultBranch = main\n"
    (folder / "gitconfig").write_text(identity, encoding="utf-8")
    os.environ["GIT_CONFIG_GLOBAL"] = str(folder / "gitconfig")
    # uv leaves packages uncompiled, and a CI may forbid to write bytecode: thousands of processes would each compile
    # all that they import. Written here, no folder that a test compares has bytecode in it.
    os.environ["PYTHONPYCACHEPREFIX"] = str(folder / "bytecode")
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    os.environ["HELM"] = str(fetch_helm.find())
    # Of tests/requirements.txt, unless the environment names another one: a sops on the PATH may be of any version.
    os.environ.setdefault("SOPS", str(Path(sys.executable).with_name("sops")))
    os.environ["AGE_KEYGEN"] = shutil.which(os.environ.get("AGE_KEYGEN", "age-keygen")) or age_keygen(folder)
    if "NO_CHART" in os.environ:
        return
    try:
        os.environ["Z2JH_CHART"] = str(find_chart.find())
    except LookupError as error:
        os.environ["NO_CHART"] = str(error)


def age_keygen(folder: Path) -> str:
    """A command that makes age keys where Debian's or mise's age-keygen is not."""
    command = folder / "age-keygen"
    command.write_text(f'#!/bin/sh\nexec {sys.executable} {TEMPLATE}/tests/age_keygen.py "$@"\n', encoding="utf-8")
    command.chmod(0o755)
    return str(command)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how long each kind of test took, and whether the real chart was rendered."""
    kinds: dict[str, list[float]] = defaultdict(list)
    for reports in terminalreporter.stats.values():
        for report in reports:
            if isinstance(report, pytest.TestReport):
                kinds[report.location[0]].append(report.duration)
    terminalreporter.section("time of each kind of test, in seconds over all workers")
    for kind, durations in sorted(kinds.items()):
        terminalreporter.write_line(f"{sum(durations):7.1f}  {kind}")
    terminalreporter.write_line(
        f"The matrix has {len(CELLS)} cells, {len(PAIRS)} of them for every allowed pair of choices; "
        f"{len(FORBIDDEN)} forbidden sets of answers are rejected."
    )
    ran = len(terminalreporter.stats.get("passed", [])) + len(terminalreporter.stats.get("failed", []))
    if skipped := len(terminalreporter.stats.get("skipped", [])):
        terminalreporter.write_line(f"{skipped} of {ran + skipped} tests were skipped: {skipped / (ran + skipped):.0%}")
    if "NO_CHART" in os.environ:
        reason = next(iter(os.environ["NO_CHART"].splitlines()), "")
        terminalreporter.write_line(f"The real chart was NOT rendered: {reason}")
    else:
        terminalreporter.write_line(f"The real chart was rendered: {os.environ['Z2JH_CHART']}")
