"""Each guard of the chart rejects its mistakes with a sentence, and accepts their corrections and what real hubs have.

The mistakes are in data/mistakes/, a file for each file of guards; what all of them may use is in data/bases.yaml.
"""

import json
import os
import re
import subprocess
from collections.abc import Callable
from copy import deepcopy
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from shutil import copytree

import pytest
import yaml

from repositories import TEMPLATE, build_dependency

DATA = TEMPLATE / "tests" / "data"
TEMPLATES = TEMPLATE / "<<cookiecutter.hub_name>>" / "chart" / "templates"
CLUSTER = ("--api-versions", "apiregistration.k8s.io/v1")
# What a mistake may change in the secrets, which are the last layer.
SECRET = (
    "secretsFor",
    "backup.secrets",
    "jupyterhub.hub.cookieSecret",
    "jupyterhub.hub.config.SharedPasswordAuthenticator",
)
DAYS = {"PAST": -1, "FUTURE": 90, "LATER": 91}
KEYS = {
    *("mistake", "base", "wrong", "says", "right", "allow", "warning"),
    *("cluster", "release", "namespace", "accepted_by_chart", "chart_says"),
}


def read(path: Path) -> list | dict:
    """Return a file of data, with the days that its words stand for."""
    text = path.read_text(encoding="utf-8")
    for word, days in DAYS.items():
        text = text.replace(word, str(date.today() + timedelta(days=days)))
    return yaml.safe_load(text)


BASES = read(DATA / "bases.yaml")
MISTAKES = {
    f"{path.stem}: {item['mistake']}": item for path in sorted(DATA.glob("mistakes/*.yaml")) for item in read(path)
}
CORRECT = {path.stem: read(path) for path in sorted(DATA.glob("correct/*.yaml"))}
ALLOWED = [name for name, mistake in MISTAKES.items() if "allow" in mistake]


def changed(values: dict, change: dict) -> dict:
    """Return values with `a.b: value` set; None removes the key."""
    values = deepcopy(values)
    for path, value in change.items():
        *parents, key = path.split(".")
        place = values
        for parent in parents:
            place = place.setdefault(parent, {})
        if value is None:
            place.pop(key, None)
        else:
            # A base is for all tests, and a later path may go into it.
            place[key] = deepcopy(value)
    return values


def based(entry: dict, change: dict) -> dict:
    """Return a change together with the bases that an entry names."""
    together: dict = {}
    for base in entry.get("base", []):
        together |= BASES[base]
    return together | change


Says = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture(scope="module")
def repository(bake, tmp_path_factory) -> Path:
    """A repository whose config/ the tests change, one after the other."""
    source = bake()
    target = Path(copytree(source, tmp_path_factory.mktemp("guards") / source.name))
    build_dependency(target)
    return target


@pytest.fixture(scope="module")
def says(repository) -> Says:
    """`helm template` of prod after a change of config/hub.yaml, with the chart or with the stand-in."""
    hub = yaml.safe_load((repository / "config/hub.yaml").read_text(encoding="utf-8"))
    fakes = json.dumps(yaml.safe_load((repository / "chart/ci/fake-secrets.yaml").read_text(encoding="utf-8")))
    name = f"{repository.name}-prod"

    @cache
    def template(release: str, *arguments: str, **layers: str) -> subprocess.CompletedProcess[str]:
        """Render once what several tests render: those whose correction is the base alone."""
        for layer, values in layers.items():
            (repository / f"{layer}.yaml").write_text(values, encoding="utf-8")
        files = [
            argument
            for layer in ("hub.yaml", "over.yaml", "config/prod.yaml", "secrets.yaml")
            for argument in ("--values", layer)
        ]
        command = [os.environ["HELM"], "template", release, "chart", *files, *arguments]
        return subprocess.run(command, cwd=repository, capture_output=True, text=True)

    def run(
        change: dict, *arguments: str, over: dict | None = None, release: str = name, namespace: str = name
    ) -> subprocess.CompletedProcess[str]:
        secrets = fakes
        if "secretsFor" in change:
            secrets = re.sub(r"fake-for-rendering--hex-64--[a-z-]+", "0123456789abcdef" * 4, secrets)
            secrets = secrets.replace("fake-for-rendering--", "as-good-as-a-real-one-")
        said = {path: value for path, value in change.items() if path.startswith(SECRET)}
        layers = {"hub": changed(hub, change), "over": over or {}, "secrets": changed(json.loads(secrets), said)}
        # JSON is YAML, and fast. A date is a text for Helm.
        texts = {layer: json.dumps(values, default=str) for layer, values in layers.items()}
        return template(release, "--namespace", namespace, *arguments, **texts)

    return run


def allowing(mistake: dict) -> list[str]:
    """Return the names in course.allow that let a mistake pass."""
    names = mistake.get("allow", [])
    return [names] if isinstance(names, str) else names


def rejects(says: Says, mistake: dict) -> subprocess.CompletedProcess[str]:
    """Return what Helm says of a mistake."""
    place = {key: mistake[key] for key in ("release", "namespace") if key in mistake}
    return says(based(mistake, mistake["wrong"]), *(CLUSTER if "cluster" in mistake else ()), **place)


@pytest.mark.chart
@pytest.mark.parametrize("name", MISTAKES)
def test_mistake_is_rejected(name, says):
    mistake = MISTAKES[name]
    done = rejects(says, mistake)
    if "warning" in mistake:
        assert done.returncode == 0, done.stderr
        assert re.search(f"^# warning: .*{re.escape(mistake['says'])}", done.stdout, flags=re.MULTILINE)
        return
    assert done.returncode != 0
    sentence = mistake["says"] if "NO_CHART" in os.environ else mistake.get("chart_says", mistake["says"])
    assert sentence in done.stderr
    for name in allowing(mistake):
        assert f"To allow it, add {name} to course.allow." in done.stderr


@pytest.mark.chart
@pytest.mark.parametrize("name", MISTAKES)
def test_correction_passes(name, says):
    mistake = MISTAKES[name]
    done = says(based(mistake, mistake.get("right", {})), *(CLUSTER if "cluster" in mistake else ()))
    assert done.returncode == 0, done.stderr
    assert mistake["says"] not in done.stdout


@pytest.mark.chart
@pytest.mark.parametrize("name", ALLOWED)
def test_mistake_is_allowed_by_its_name(name, says):
    mistake = MISTAKES[name]
    done = rejects(says, mistake | {"wrong": mistake["wrong"] | {"course.allow": allowing(mistake)}})
    assert done.returncode == 0, done.stderr


@pytest.mark.chart
@pytest.mark.parametrize("name", CORRECT)
def test_configuration_of_a_real_hub_passes(name, says):
    """A rejection here is a false alarm. It may have the warnings that it names, and no others."""
    correct = CORRECT[name]
    done = says(based(correct, {}), over=correct["config"])
    assert done.returncode == 0, done.stderr
    warnings = re.findall("^# warning: (.*)$", done.stdout, flags=re.MULTILINE)
    assert len(warnings) == len(correct.get("warnings", [])), warnings
    assert all(expected in "\n".join(warnings) for expected in correct.get("warnings", [])), warnings


def guards() -> list[str]:
    """Return the names of the guards that are defined."""
    texts = [path.read_text(encoding="utf-8") for path in sorted(TEMPLATES.glob("guards/*.tpl"))]
    return re.findall(r'define "guard\.([a-z-]+)"', "\n".join(texts))


def test_every_guard_that_is_defined_is_listed():
    """A guard that is not listed is silently off."""
    text = (TEMPLATES / "guards.yaml").read_text(encoding="utf-8")
    listed = re.findall(r'"([a-z-]+)"', re.search(r":= list (.*?) }}", text.partition("range $guard")[2])[1])
    assert sorted(listed) == sorted(guards())
    assert len(listed) == len(set(listed))


def test_every_file_of_guards_has_mistakes():
    files = {path.stem.removeprefix("_") for path in TEMPLATES.glob("guards/*.tpl")}
    assert {path.stem for path in DATA.glob("mistakes/*.yaml")} == files
    assert [name for name, mistake in MISTAKES.items() if set(mistake) - KEYS] == []


def test_every_name_that_allows_something_is_known_and_documented():
    texts = [path.read_text(encoding="utf-8") for path in sorted(TEMPLATES.glob("guards/*.tpl"))]
    used = set(re.findall(r"^\[([a-z-]+)\] ", "\n".join(texts), flags=re.MULTILINE)) - {"warning"}
    assert used == {name for mistake in MISTAKES.values() for name in allowing(mistake)}
    schema = yaml.safe_load((TEMPLATES.parent / "values.schema.json").read_text(encoding="utf-8"))
    assert used == set(schema["properties"]["course"]["properties"]["allow"]["items"]["enum"])
    page = (TEMPLATES.parent.parent / "docs" / "operations.md").read_text(encoding="utf-8")
    assert used == set(re.findall(r"^\| `([a-z-]+)` \|", page.partition("course.allow")[2], flags=re.MULTILINE))


def test_chart_accepts_what_the_guards_reject(chart, helm, tmp_path):
    """Why the guards exist: the jupyterhub chart alone renders each of these."""
    accepted = [mistake for mistake in MISTAKES.values() if "accepted_by_chart" in mistake]
    assert len(accepted) >= 12
    for mistake in accepted:
        values = changed({}, based(mistake, mistake["wrong"]))["jupyterhub"]
        (tmp_path / "values.yaml").write_text(yaml.safe_dump(values), encoding="utf-8")
        command = [helm, "template", "hub", chart, "--values", tmp_path / "values.yaml"]
        done = subprocess.run(command, capture_output=True, text=True)
        assert done.returncode == 0, f"{mistake['mistake']}: {done.stderr}"


def test_secret_is_never_shown(says):
    """Guards name keys; what they reject may be next to a real password."""
    password = "a-real-one-" + "x" * 32
    wrong = {
        "secretsFor": "prod",
        "jupyterhub.hub.config.SharedPasswordAuthenticator.user_password": f"{password} fill-in--password",
        "jupyterhub.hub.cookieSecret": "abcdef0123",
        "jupyterhub.singleuser.memory.limit": "2Gi",
    }
    done = says(wrong, *CLUSTER)
    assert "SharedPasswordAuthenticator.user_password: it is still a blank ('fill-in--password')" in done.stderr
    assert "cookieSecret: JupyterHub requires 64 hexadecimal digits" in done.stderr
    assert password not in done.stderr
    assert "abcdef0123" not in done.stderr


def test_pipeline_cannot_override_a_guard(says):
    image = "jupyterhub.singleuser.image"
    done = says({}, "--set", f"{image}.name=quay.io/course/image,{image}.tag=latest")
    assert "'quay.io/course/image:latest' is another image after each push" in done.stderr


def test_all_mistakes_are_reported_at_once(says):
    done = says({"jupyterhub.proxy.service.type": "LoadBalancer", "jupyterhub.singleuser.memory.limit": "2Gi"})
    assert "memory.limit: JupyterHub does not read '2Gi'" in done.stderr
    assert "over plain HTTP (LoadBalancer)" in done.stderr
