"""Both engines on a pseudo-terminal, as a person meets them."""

import re
import sys
from pathlib import Path

import pytest
from matrix import CHOICES, KEYS, PAIRS, QUESTIONS
from terminal import DOWN, Terminal
from test_engines import tree

HELP = QUESTIONS["__prompts__"]


def cells() -> dict[str, dict[str, str]]:
    """Return cells of the matrix in which every choice of every question stands."""
    missing = {(key, value) for key, values in CHOICES.items() for value in values}
    chosen = {}
    while missing:
        name = max(PAIRS, key=lambda name: len(missing & set(PAIRS[name].items())))
        chosen[name] = PAIRS[name]
        missing -= set(PAIRS[name].items())
    return chosen


CELLS = cells()


def start_copier(template: Path, folder: Path, **size: int) -> Terminal:
    return Terminal([sys.executable, "-m", "copier", "copy", str(template), "hub"], folder, **size)


def start_cookiecutter(template: Path, folder: Path, **size: int) -> Terminal:
    return Terminal([sys.executable, "-m", "cookiecutter", str(template)], folder, **size)


def wait_for_copier(terminal: Terminal, key: str) -> None:
    terminal.wait_for(HELP[key])


def answer_copier(terminal: Terminal, key: str, answer: str | None) -> None:
    """Answer one question; None takes the default."""
    wait_for_copier(terminal, key)
    if isinstance(QUESTIONS[key], str):
        # Ctrl-U takes the default away.
        terminal.send("\r" if answer is None else f"\x15{answer}\r")
        return
    terminal.wait_for("»")
    passed = set()
    while answer is not None and (pointed := terminal.pointed()) != answer:
        assert pointed not in passed, f"{answer} cannot be chosen:\n{terminal.text()}"
        passed.add(pointed)
        terminal.send(DOWN)
        terminal.wait_until(lambda: terminal.pointed() != pointed)
    terminal.send("\r")


def answer_cookiecutter(terminal: Terminal, key: str, answer: str | None) -> None:
    """Answer one question; None takes the default."""
    terminal.wait_for(f"[{KEYS.index(key) + 1}/{len(KEYS)}]")
    if isinstance(QUESTIONS[key], list) and answer is not None:
        answer = str(QUESTIONS[key].index(answer) + 1)
    terminal.send(f"{answer or ''}\r")


ENGINES = {"copier": (start_copier, answer_copier), "cookiecutter": (start_cookiecutter, answer_cookiecutter)}
each_engine = pytest.mark.parametrize("engine", ENGINES)


def run(engine: str, template: Path, folder: Path, answers: dict[str, str]) -> Path:
    """Answer every question on a terminal, and return the repository."""
    start, answer = ENGINES[engine]
    terminal = start(template, folder)
    for key in KEYS:
        answer(terminal, key, answers.get(key))
    assert terminal.end() == 0, terminal.text()
    (repository,) = folder.iterdir()
    assert re.search(rf"\n +cd {repository.name}\n +make check\n", terminal.text())
    return repository


@each_engine
def test_enter_through_all_questions(template: Path, bake, tmp_path: Path, engine: str) -> None:
    assert tree(run(engine, template, tmp_path, {})) == tree(bake())


@each_engine
@pytest.mark.parametrize("cell", CELLS)
def test_each_choice_of_each_question(template: Path, bake, tmp_path: Path, engine: str, cell: str) -> None:
    assert tree(run(engine, template, tmp_path, CELLS[cell])) == tree(bake(**CELLS[cell]))


# Answers that leave the default of a later question without its ground, and an answer that does instead.
ASKED = [
    *(
        ({"sign_in": sign_in}, "sign_in_allow", allow)
        for sign_in, allow in {
            "github": "example-org",
            "google": "example.edu",
            "cilogon": "https://idp.example.edu/idp/shibboleth",
            "microsoft": "everybody",
            "oidc": "example.edu",
        }.items()
    ),
    ({"interface": "rstudio"}, "image_base", "r-notebook"),
    ({"interface": "vscode"}, "image_name", "ghcr.io/org/name"),
    ({"students": "4000"}, "peak_students", "3000"),
    ({"memory_limit": "200G"}, "memory_guarantee", "1G"),
]


@pytest.mark.parametrize(("answers", "asked", "answer"), ASKED, ids=[str(answers) for answers, *_ in ASKED])
def test_copier_asks_where_no_default_can_be(
    template: Path, tmp_path: Path, answers: dict[str, str], asked: str, answer: str
) -> None:
    """It has no default then, says why, and takes Enter alone for no answer."""
    terminal = start_copier(template, tmp_path)
    for key in KEYS[: KEYS.index(asked)]:
        answer_copier(terminal, key, answers.get(key))
    terminal.wait_for(" cannot live together" if "_students" not in asked and "memory" not in asked else " is above ")
    answer_copier(terminal, asked, "")
    terminal.wait_for(f"Validation error for question '{asked}'")
    answer_copier(terminal, asked, answer)
    wait_for_copier(terminal, KEYS[KEYS.index(asked) + 1])
    terminal.send("\x03")
    assert terminal.end() == 1
    assert list(tmp_path.iterdir()) == []


def test_copier_shows_why_a_choice_cannot_be_taken(template: Path, tmp_path: Path) -> None:
    terminal = start_copier(template, tmp_path)
    for key in KEYS[: KEYS.index("tls")]:
        answer_copier(terminal, key, None)
    wait_for_copier(terminal, "tls")
    terminal.wait_for("autohttps (tls 'autohttps' and an empty hub_domain cannot live together")
    terminal.send("\x03")
    terminal.end()


def test_copier_asks_again_after_a_wrong_answer(template: Path, tmp_path: Path) -> None:
    """Each free text, with a character that none of them takes, then as it should be."""
    terminal = start_copier(template, tmp_path)
    for key in KEYS:
        if isinstance(QUESTIONS[key], str):
            answer_copier(terminal, key, "<#")
            terminal.wait_for(f"Validation error for question '{key}'")
            right = re.sub("<<-.*", "", QUESTIONS[key]) or {"peak_students": "20", "memory_guarantee": "1G"}.get(
                key, ""
            )
            answer_copier(terminal, key, right)
        else:
            answer_copier(terminal, key, None)
    assert terminal.end() == 0, terminal.text()


def test_cookiecutter_asks_again_after_a_wrong_number(template: Path, tmp_path: Path) -> None:
    terminal = start_cookiecutter(template, tmp_path)
    for key in KEYS[: KEYS.index("sign_in")]:
        answer_cookiecutter(terminal, key, None)
    terminal.wait_for("Choose from")
    terminal.send("99\r")
    terminal.wait_for("Please select one of the available options")
    terminal.send("\x03")
    assert terminal.end() == 1
    assert list(tmp_path.iterdir()) == []


@each_engine
@pytest.mark.parametrize("key", [KEYS[0], "platform", KEYS[-1]])
def test_ctrl_c_leaves_nothing(template: Path, tmp_path: Path, engine: str, key: str) -> None:
    start, answer = ENGINES[engine]
    terminal = start(template, tmp_path)
    for earlier in KEYS[: KEYS.index(key)]:
        answer(terminal, earlier, None)
    terminal.wait_for(HELP[key])
    terminal.send("\x03")
    assert terminal.end() == 1
    assert list(tmp_path.iterdir()) == []
