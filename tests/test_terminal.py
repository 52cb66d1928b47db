"""Both engines on a pseudo-terminal, as a person meets them."""

import re
import sys
from pathlib import Path

import pytest
from matrix import CHOICES, KEYS, PAIRS, QUESTIONS, ROWS
from questions import read_questions
from terminal import DOWN, Terminal
from test_engines import tree

ASKED = {question.key: question for question in read_questions().questions}


def cells() -> dict[str, dict[str, str]]:
    """Return cells of the matrix in which every choice of every question stands, and every kind of free text."""
    missing = {(key, value) for key, values in CHOICES.items() for value in values}
    chosen = {}
    while missing:
        name = max(ROWS, key=lambda name: len(missing & set(ROWS[name].items())))
        chosen[name] = PAIRS[name]
        missing -= set(ROWS[name].items())
    return chosen


CELLS = cells()


def start_copier(template: Path, folder: Path) -> Terminal:
    return Terminal([sys.executable, "-m", "copier", "copy", str(template), "hub"], folder)


def start_cookiecutter(template: Path, folder: Path) -> Terminal:
    return Terminal([sys.executable, "-m", "cookiecutter", str(template)], folder)


def wait_for_copier(terminal: Terminal, key: str) -> None:
    """Wait until copier has asked a question, with its help."""
    terminal.wait_for(" ".join([ASKED[key].label, *ASKED[key].help]))


def answer_copier(terminal: Terminal, key: str, answer: str | None) -> None:
    """Answer one question; None takes the default."""
    wait_for_copier(terminal, key)
    if isinstance(QUESTIONS[key], str):
        # Ctrl-U takes the default away.
        terminal.send("\r" if answer is None else f"\x15{answer}\r")
        return
    labels = {value: f"{value}: {label}" for value, label in ASKED[key].choices.items()}
    passed: set[str] = set()
    while True:
        # The screen may show only a part of the line yet.
        terminal.wait_until(lambda: terminal.pointed() in set(labels.values()) - passed)
        pointed = terminal.pointed()
        if answer is None or pointed == labels[answer]:
            break
        passed.add(pointed)
        assert len(passed) < len(labels), f"{answer} cannot be chosen:\n{terminal.text()}"
        terminal.send(DOWN)
    terminal.send("\r")


def wait_for_cookiecutter(terminal: Terminal, key: str) -> None:
    """Wait until cookiecutter has asked a question, with its help and the labels of its choices."""
    asked = ASKED[key]
    shown = " ".join([f"[{KEYS.index(key) + 1}/{len(KEYS)}]", asked.label, *asked.help])
    for number, (value, label) in enumerate(asked.choices.items(), 1):
        shown += f" {number} - {value}: {label}"
    terminal.wait_for(shown)


def answer_cookiecutter(terminal: Terminal, key: str, answer: str | None) -> None:
    """Answer one question; None takes the default."""
    wait_for_cookiecutter(terminal, key)
    if isinstance(QUESTIONS[key], list) and answer is not None:
        answer = str(QUESTIONS[key].index(answer) + 1)
    terminal.send(f"{answer or ''}\r")


ENGINES = {"copier": (start_copier, answer_copier), "cookiecutter": (start_cookiecutter, answer_cookiecutter)}
WAIT = {"copier": wait_for_copier, "cookiecutter": wait_for_cookiecutter}
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


# Answers after which a question has no default, the start of what copier says then, and an answer that is accepted.
NO_DEFAULT = [
    *(
        ({"sign_in": sign_in}, "sign_in_allow", f"sign_in_allow '' conflicts with sign_in '{sign_in}': ", allow)
        for sign_in, allow in {
            "github": "example-org",
            "google": "example.edu",
            "cilogon": "https://idp.example.edu/idp/shibboleth",
            "microsoft": "everybody",
            "oidc": "example.edu",
        }.items()
    ),
    (
        {"architecture": "arm64", "interface": "rstudio"},
        "image_base",
        "architecture 'arm64' conflicts with interface 'rstudio': ",
        "registry.example.edu/base:1.0",
    ),
    ({"interface": "rstudio"}, "image_name", "image_name '' conflicts with interface 'rstudio'", "ghcr.io/org/name"),
    ({"interface": "vscode"}, "image_name", "image_name '' conflicts with interface 'vscode'", "ghcr.io/org/name"),
]


@pytest.mark.parametrize(
    ("answers", "key", "reason", "answer"), NO_DEFAULT, ids=[str(answers) for answers, *_ in NO_DEFAULT]
)
def test_copier_asks_where_no_default_is_possible(
    template: Path, tmp_path: Path, answers: dict[str, str], key: str, reason: str, answer: str
) -> None:
    """It has no default then, says why in full, and does not take Enter alone for an answer."""
    terminal = start_copier(template, tmp_path)
    for earlier in KEYS[: KEYS.index(key)]:
        answer_copier(terminal, earlier, answers.get(earlier))
    terminal.wait_for(reason)
    answer_copier(terminal, key, "")
    terminal.wait_for(f"Validation error for question '{key}'")
    answer_copier(terminal, key, answer)
    wait_for_copier(terminal, KEYS[KEYS.index(key) + 1])
    terminal.send("\x03")
    assert terminal.end() == 1
    assert list(tmp_path.iterdir()) == []


def test_a_large_course_has_a_default_that_works(template: Path, bake, tmp_path: Path) -> None:
    """4000 students are more than one hub serves at the same time."""
    assert tree(run("copier", template, tmp_path, {"students": "4000"})) == tree(bake(students="4000"))


def test_copier_shows_why_a_choice_cannot_be_taken(template: Path, tmp_path: Path) -> None:
    terminal = start_copier(template, tmp_path)
    for key in KEYS[: KEYS.index("tls")]:
        answer_copier(terminal, key, None)
    wait_for_copier(terminal, "tls")
    label = f"autohttps: {ASKED['tls'].choices['autohttps']}"
    terminal.wait_for(f"- {label} (tls 'autohttps' conflicts with hub_domain ''")
    terminal.send("\x03")
    terminal.end()


def test_copier_asks_again_after_a_wrong_answer(template: Path, tmp_path: Path) -> None:
    """Each free text, with a character that none of them takes, then as it should be."""
    terminal = start_copier(template, tmp_path)
    for key in KEYS:
        if isinstance(QUESTIONS[key], str):
            answer_copier(terminal, key, "<#")
            terminal.wait_for(f"Validation error for question '{key}'")
            templates = {"cluster_name": "c", "peak_students": "20", "memory_guarantee": "1G"}
            templates["image_base"] = "r-notebook"
            right = templates.get(key, QUESTIONS[key])
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
    WAIT[engine](terminal, key)
    terminal.send("\x03")
    assert terminal.end() == 1
    assert list(tmp_path.iterdir()) == []
