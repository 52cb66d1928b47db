"""Bad answers are refused by both engines with the same sentence, and nothing is left on disk."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from matrix import FORBIDDEN

TITLE = "must be 2 to 100 characters on one line"
MEMORY = "must be a whole number with K, M, G or T after it, such as 512M or 2G"
BAD = [
    ({"hub_name": "My Hub!"}, "hub_name 'My Hub!' must be a DNS label of at most 40 characters"),
    ({"hub_name": "a" * 41}, f"hub_name '{'a' * 41}' must be a DNS label of at most 40 characters"),
    ({"hub_name": "$(id)"}, "hub_name '$(id)' must be a DNS label"),
    ({"hub_name": "hub-"}, "hub_name 'hub-' must be a DNS label"),
    # cookiecutter has been seen to remove the folder that the first of these leads to.
    ({"hub_name": "a/.."}, "hub_name 'a/..' must be a DNS label"),
    ({"hub_name": "../x"}, "hub_name '../x' must be a DNS label"),
    ({"hub_name": ""}, "hub_name '' must be a DNS label"),
    ({"contact_email": "course-team"}, "contact_email 'course-team' must be an e-mail address"),
    ({"memory_limit": "2Gi"}, f"memory_limit '2Gi' {MEMORY}"),
    ({"memory_guarantee": "0.5G"}, f"memory_guarantee '0.5G' {MEMORY}"),
    ({"hub_domain": "https://hub.example.edu"}, "hub_domain 'https://hub.example.edu' must be a host name alone"),
    ({"hub_domain": "localhost"}, "hub_domain 'localhost' must be a host name alone"),
    ({"students": "many"}, "students 'many' must be a whole number from 1 to 99999"),
    ({"admin_users": ""}, "admin_users '' must name at least one person"),
    ({"course_title": "two\nlines"}, TITLE),
    ({"course_title": " space"}, TITLE),
    ({"course_title": "bell\x07"}, TITLE),
    ({"contact_email": "<< cookiecutter.hub_name >>@example.edu"}, "'<< cookiecutter.hub_name >>@example.edu' must be"),
    ({"course_title": "a <# comment #>"}, f"course_title 'a <# comment #>' {TITLE}"),
    ({"course_title": "<% if true %>x<% endif %>"}, f"course_title '<% if true %>x<% endif %>' {TITLE}"),
    ({"image_base": "quay.io/jupyter/scipy-notebook:latest"}, "or an image reference with a tag other than latest"),
    ({"image_base": "quay.io/jupyter/scipy-notebook"}, "or an image reference with a tag other than latest"),
    ({"image_name": "ghcr.io/org/name:v1"}, "must be an image reference with its registry and without a tag"),
    ({"course_content": "-oProxyCommand=id"}, "course_content '-oProxyCommand=id' must be a git URL"),
    ({"timezone": "Berlin time"}, "timezone 'Berlin time' must be an IANA name"),
    ({"class_times": "monday 10-12"}, "class_times 'monday 10-12' must be days with times"),
    ({"term_ends": "12.02.2027"}, "term_ends '12.02.2027' must be a date"),
]


def cookiecutter(template: Path, folder: Path, answers: dict[str, str]) -> list[str]:
    """cookiecutter's command line."""
    pairs = [f"{key}={value}" for key, value in answers.items()]
    return [sys.executable, "-m", "cookiecutter", str(template), "--no-input", "-o", str(folder), *pairs]


def copier(template: Path, folder: Path, answers: dict[str, str]) -> list[str]:
    """copier's command line."""
    pairs = [argument for key, value in answers.items() for argument in ("--data", f"{key}={value}")]
    return [sys.executable, "-m", "copier", "copy", "--defaults", *pairs, str(template), str(folder / "hub")]


@pytest.mark.parametrize("engine", [cookiecutter, copier], ids=["cookiecutter", "copier"])
@pytest.mark.parametrize(
    ("answers", "sentence"),
    BAD + FORBIDDEN,
    ids=[re.sub(r"[^\x20-\x7e]", "?", str(cell[0])) for cell in BAD + FORBIDDEN],
)
def test_refused(template: Path, tmp_path: Path, engine, answers: dict[str, str], sentence: str) -> None:
    done = subprocess.run(engine(template, tmp_path, answers), capture_output=True, text=True)
    assert done.returncode == 1
    assert sentence in done.stdout + done.stderr
    assert list(tmp_path.iterdir()) == []


def test_corrected_answers_need_not_be_given_again(template: Path, tmp_path: Path) -> None:
    settings = yaml.safe_dump({"replay_dir": str(tmp_path / "replay"), "cookiecutters_dir": str(tmp_path / "cloned")})
    (tmp_path / "settings.yaml").write_text(settings, encoding="utf-8")
    environ = {**os.environ, "COOKIECUTTER_CONFIG": str(tmp_path / "settings.yaml")}
    command = cookiecutter(template, tmp_path / "made", {"hub_name": "My Hub", "students": "30"})
    refused = subprocess.run(command, env=environ, capture_output=True, text=True)
    said = re.search(r"The answers are in (.*\.json): correct them there, and run .* with --replay", refused.stderr)
    answers = Path(said[1])
    answers.write_text(answers.read_text(encoding="utf-8").replace("My Hub", "my-hub"), encoding="utf-8")
    again = [sys.executable, "-m", "cookiecutter", str(template), "-o", str(tmp_path / "made"), "--replay"]
    subprocess.run(again, env=environ, check=True, stdin=subprocess.DEVNULL)
    assert "students: 30" in (tmp_path / "made/my-hub/config/hub.yaml").read_text(encoding="utf-8")


@pytest.mark.parametrize("title", ["R << Python", "<< cookiecutter.hub_name >>", "100 <%"])
def test_unreadable_template_syntax(template: Path, tmp_path: Path, title: str) -> None:
    """cookiecutter stops at these in its own words, before any code of ours runs; copier says our sentence."""
    for engine in cookiecutter, copier:
        done = subprocess.run(engine(template, tmp_path, {"course_title": title}), capture_output=True, text=True)
        assert done.returncode == 1
        assert list(tmp_path.iterdir()) == []
    assert f"course_title '{title}' {TITLE}" in done.stderr
