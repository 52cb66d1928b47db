"""Fixtures of all tests: repositories written by both engines, the real helm and the real chart."""

import os
import shutil
from collections.abc import Callable
from functools import cache
from pathlib import Path

import pytest
import yaml

from repositories import TEMPLATE, by_cookiecutter, tracked


@pytest.fixture(scope="session")
def template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The template as it stands in the working tree, in a folder without git, so that neither engine clones it."""
    folder = tmp_path_factory.mktemp("template") / "z2jh-template"
    for name in tracked(TEMPLATE):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(TEMPLATE / name, folder / name)
    return folder


@pytest.fixture(scope="session", autouse=True)
def own_configuration(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Engines that neither read the configuration of who runs the tests nor write into their caches."""
    folder = tmp_path_factory.mktemp("engines")
    settings = {"cookiecutters_dir": str(folder / "cookiecutters"), "replay_dir": str(folder / "replay")}
    (folder / "cookiecutter.yaml").write_text(yaml.safe_dump(settings), encoding="utf-8")
    (folder / "copier.yaml").write_text("{}\n", encoding="utf-8")
    os.environ["COOKIECUTTER_CONFIG"] = str(folder / "cookiecutter.yaml")
    os.environ["COPIER_SETTINGS_PATH"] = str(folder / "copier.yaml")


@pytest.fixture(scope="session")
def bake(template: Path, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., Path]:
    """`bake(**answers)`: a repository, written once in a session. Copy it before you change it (see `edited`)."""

    @cache
    def baked(answers: tuple[tuple[str, str], ...]) -> Path:
        return by_cookiecutter(template, tmp_path_factory.mktemp("baked"), dict(answers))

    return lambda **answers: baked(tuple(sorted(answers.items())))


@pytest.fixture
def edited(bake: Callable[..., Path], tmp_path: Path) -> Callable[..., Path]:
    """`edited(**answers)`: a repository of one's own, to edit."""

    def copied(**answers: str) -> Path:
        source = bake(**answers)
        return Path(shutil.copytree(source, tmp_path / source.name, symlinks=True))

    return copied


@pytest.fixture(scope="session")
def helm() -> str:
    """The helm binary; `make test` sets HELM to one it has found or fetched."""
    found = shutil.which(os.environ.get("HELM", "helm"))
    assert found, "helm is not there: run the tests with `make test`, which fetches it"
    return found


@pytest.fixture(scope="session")
def chart() -> Path:
    """The packaged jupyterhub chart; skips without it."""
    found = os.environ.get("Z2JH_CHART")
    if not found or not Path(found).is_file():
        pytest.skip(
            "the jupyterhub chart is not here: set Z2JH_CHART to the file that "
            "`helm pull jupyterhub --repo https://hub.jupyter.org/helm-chart/ --version 4.4.0` brings"
        )
    return Path(found)
