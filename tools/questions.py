"""The questions of the template, as questions.yaml has them, and the messages for answers that are rejected."""

import json
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

TEMPLATE = Path(__file__).resolve().parent.parent
SOURCE = "questions.yaml"

# Helm's {{ }} and GitHub's ${{ }} stay as they are in the tree. The optimizer of Jinja is for templates that are
# rendered many times; here it costs more than it saves.
JINJA = {
    "variable_start_string": "<<",
    "variable_end_string": ">>",
    "block_start_string": "<%",
    "block_end_string": "%>",
    "comment_start_string": "<#",
    "comment_end_string": "#>",
    "trim_blocks": True,
    "lstrip_blocks": True,
    "optimized": False,
}


# How templates/lib/nodes.jinja reads a memory.
KIBIBYTES = re.compile(r"<% macro kibibytes\(memory\) %><< (.*) >><% endmacro %>")


def write_sizes(condition: str) -> str:
    """Return a condition with the expression that computes it in place of each kibibytes(KEY)."""
    found = KIBIBYTES.search((TEMPLATE / "templates" / "lib" / "nodes.jinja").read_text(encoding="utf-8"))
    assert found, "templates/lib/nodes.jinja: kibibytes is missing"
    expression = found[1]
    return re.sub(r"kibibytes\((\w+)\)", lambda call: re.sub(r"\bmemory\b", call[1], expression), condition)


def quote_literal(text: str) -> str:
    """Return a string literal of Jinja, which is one of JSON as well."""
    return json.dumps(text, ensure_ascii=False)


@dataclass(frozen=True)
class Reject:
    """Answers that match the pattern and are wrong all the same."""

    condition: str
    wrong: str
    fix: str
    loop: str = ""
    value: str = ""

    def template(self, key: str) -> str:
        """Return a template of Jinja that renders to the message, or to nothing."""
        head, tail = f"{key}: {self.wrong} ('", f"'). {self.fix}"
        message = f"{quote_literal(head)} ~ ({self.value or key}) ~ {quote_literal(tail)}"
        if self.loop:
            first = f"<% if loop.first %><< {message} >><% endif %>"
            return f"<% for {self.loop} if {self.condition} %>{first}<% endfor %>"
        return f"<% if {self.condition} %><< {message} >><% endif %>"


@dataclass(frozen=True)
class Conflict:
    """Answers to several questions that cannot be combined."""

    condition: str
    between: list[str]
    because: str

    def template(self, key: str) -> str:
        """Return a template of Jinja that renders to the message, or to nothing."""
        first, *others = (f"{answer} '<< {answer} >>'" for answer in self.between)
        return f"<% if {self.condition} %>{first} conflicts with {' and '.join(others)}: {self.because}<% endif %>"


@dataclass(frozen=True)
class Question:
    """One question. A question has choices, or it is free text with a pattern or a list of accepted answers."""

    key: str
    label: str
    help: list[str]
    choices: dict[str, str] = field(default_factory=dict)
    default: str = ""
    format: str = ""
    pattern: str = ""
    one_of: list[str] = field(default_factory=list)
    wrong: str = ""
    fix: str = ""
    rules: list[Reject | Conflict] = field(default_factory=list)

    def templates(self) -> list[str]:
        """Return a template for each rule that reads several answers, or more of this one than the pattern."""
        return [rule.template(self.key) for rule in self.rules]


@dataclass(frozen=True)
class Questions:
    """All of questions.yaml."""

    questions: list[Question]
    only_when: dict[str, str]
    message: str

    def keys(self) -> list[str]:
        return [question.key for question in self.questions]


def read_question(key: str, fields: dict[str, Any]) -> Question:
    """Return a question from its entry in questions.yaml. Raises TypeError for a field that does not exist."""
    fields["help"] = fields["help"].strip().splitlines()
    if "one_of" in fields:
        fields["one_of"] = (TEMPLATE / fields["one_of"]).read_text(encoding="utf-8").split()
    if "choices" in fields:
        fields["default"] = next(iter(fields["choices"]))
    read: list[tuple[str, Callable[..., Reject | Conflict]]] = [("rejects", Reject), ("conflicts", Conflict)]
    names = {"if": "condition", "for": "loop"}
    rules = [
        kind(**{names.get(name, name): value for name, value in {**entry, "if": write_sizes(entry["if"])}.items()})
        for section, kind in read
        for entry in fields.pop(section, [])
    ]
    return Question(key=key, rules=rules, **fields)


def read_questions(text: str | None = None) -> Questions:
    """Return the content of questions.yaml, or of a text in its place."""
    content = yaml.safe_load((TEMPLATE / SOURCE).read_text(encoding="utf-8") if text is None else text)
    paths = {path: condition for condition, several in content["only_when"].items() for path in several}
    questions = [read_question(key, fields) for key, fields in content["questions"].items()]
    return Questions(questions, dict(sorted(paths.items())), content["message"])


def name_answers(expression: str, keys: list[str], prefix: str) -> str:
    """Put a prefix before each key in the default of a question, but not inside quotes."""
    parts = re.split(r"('[^']*')", expression)
    pattern = rf"\b({'|'.join(keys)})\b"
    return "".join(part if part[:1] == "'" else re.sub(pattern, rf"{prefix}\1", part) for part in parts)
