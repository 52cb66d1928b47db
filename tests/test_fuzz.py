"""Any answers: both engines reject them with the same message, or a valid repository comes out. Nothing in between."""

import os
import re
import secrets
import tempfile
from pathlib import Path

import pytest
import yaml
from cookiecutter.exceptions import FailedHookException
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from matrix import QUESTIONS
from yamllint.config import YamlLintConfig
from yamllint.linter import run as yamllint

from repositories import by_cookiecutter, by_copier, render

# In each of the parts, which the workers share: 60 sets of answers, and the same ones in each run, so that a red run is
# red again. FUZZ_EXAMPLES=150 tries others, and more of them: for a change of the questions.
EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "15"))
PARTS = 4
SEED = secrets.randbelow(2**32) if "FUZZ_EXAMPLES" in os.environ else 0

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="<\0"), max_size=40)
LIKELY = {
    "course_title": st.text(st.characters(codec="utf-8", exclude_categories=["C", "Z"]), min_size=2, max_size=60),
    "hub_domain": st.sampled_from(["", "hub.example.edu", "a.b.c.d.example.org"]),
    "admin_users": st.sampled_from(["instructor", "a, b-2,c.d@example.edu", "null,true,1e3", "INSTRUCTOR"]),
    "sign_in_allow": st.sampled_from(
        [
            "",
            "everybody",
            "example-org",
            "example.edu",
            "https://idp.example.edu/idp/shibboleth",
            "a@example.edu",
            "x,y",
        ]
    ),
    "students": st.integers(1, 5000).map(str),
    "peak_students": st.integers(1, 3000).map(str),
    "memory_limit": st.sampled_from(["512M", "1G", "2G", "3500M", "16G"]),
    "memory_guarantee": st.sampled_from(["256M", "512M", "1G", "2G"]),
    "image_base": st.sampled_from(["scipy-notebook", "minimal-notebook", "registry.example.edu/a/b:1.0"]),
    "image_name": st.sampled_from(["", "registry.example.edu:5000/course/image"]),
    "course_content": st.sampled_from(
        ["", "https://git.example.edu/a/b.git", "git@git.example.edu:a/b", "https://10.1.2.3/a"]
    ),
    "timezone": st.sampled_from(["UTC", "Europe/Berlin", "America/Argentina/Ushuaia", "Mars/Phobos"]),
    "class_times": st.sampled_from(["", "mon 10:00-11:30", "sat 08:00-12:15, sun 00:00-23:59", "tue 12:00-10:00"]),
    "term_ends": st.sampled_from(["", "2098-02-12", "2096-02-29", "2098-02-29", "2098-04-31"]),
}


def likely(key: str) -> st.SearchStrategy[str]:
    """Answers that somebody could give: a choice, a usual value, or whatever the question's pattern lets through."""
    if isinstance(QUESTIONS[key], list):
        return st.sampled_from(QUESTIONS[key])
    if key in LIKELY:
        return LIKELY[key]
    return st.from_regex(QUESTIONS["_patterns"][key], fullmatch=True)


KEYS = [key for key in QUESTIONS if key[0] != "_"]
FREE = [key for key in KEYS if isinstance(QUESTIONS[key], str)]
ANSWERS = st.fixed_dictionaries({}, optional={key: likely(key) for key in KEYS})
# In some of them one answer is anything at all.
ANYTHING = st.one_of(st.just({}), st.just({}), st.builds(lambda key, text: {key: text}, st.sampled_from(FREE), TEXT))


def said_by_copier(template: Path, folder: Path, answers: dict[str, str]) -> str:
    """The message of copier, empty if it wrote a repository."""
    try:
        by_copier(template, folder, answers)
    except ValueError as error:
        return re.sub(r"^(Validation error for question|Invalid choice for) '\w+': ", "", str(error))
    return ""


def said_by_cookiecutter(template: Path, folder: Path, answers: dict[str, str], capfd) -> str:
    """The messages of cookiecutter, empty if it wrote a repository."""
    capfd.readouterr()
    try:
        by_cookiecutter(template, folder, answers)
    except FailedHookException:
        return capfd.readouterr().err
    return ""


@pytest.mark.parametrize("part", range(PARTS))
def test_answers(template: Path, capfd, part: int) -> None:
    @seed(SEED + part)
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        database=None,
        phases=[Phase.generate],  # a render takes a second, shrinking hundreds of them
        suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    )
    @given(answers=ANSWERS, anything=ANYTHING)
    def check(answers: dict[str, str], anything: dict[str, str]) -> None:
        answers |= anything
        with tempfile.TemporaryDirectory() as one, tempfile.TemporaryDirectory() as two:
            sentence = said_by_copier(template, Path(one), answers)
            sentences = said_by_cookiecutter(template, Path(two), answers, capfd)
            assert bool(sentence) == bool(sentences), (answers, sentence, sentences)
            if sentence:
                assert sentence.splitlines()[0] in sentences
                assert list(Path(two).iterdir()) == []
                return
            repository = next(Path(two).iterdir())
            assert_valid(repository)

    check()


def assert_valid(repository: Path) -> None:
    """Every YAML file lints and both environments render, with the real chart, or without its templates."""
    config = YamlLintConfig((repository / ".yamllint.yaml").read_text(encoding="utf-8"))
    for path in repository.rglob("*.yaml"):
        name = str(path.relative_to(repository))
        if not config.is_file_ignored(name):
            assert list(yamllint(path.read_text(encoding="utf-8"), config, name)) == [], name
    for env in "staging", "prod":
        rendered = render(repository, env)
        assert rendered.returncode == 0, rendered.stderr
        assert list(yaml.safe_load_all(rendered.stdout))
