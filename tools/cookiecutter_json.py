"""cookiecutter.json, written from the questions.

cookiecutter keeps the keys that begin with an underscore to itself; its hooks read the rules there.
"""

import json
import textwrap
from typing import Any

from questions import JINJA, SOURCE, Question, Questions, name_answers

# cookiecutter creates the folder that hub_name names before any hook runs, and removes it when a hook rejects the
# answers. So it never gets a name that leads elsewhere, and the hook gets what was typed. In a replay hub_name is not
# defined here.
FOLDER = (
    "<% if cookiecutter.hub_name is defined"
    " and (cookiecutter.hub_name in ['', '.', '..'] or '/' in cookiecutter.hub_name) %>"
    "<< cookiecutter.hub_name or ' ' >><% set _ = cookiecutter.update({'hub_name': 'rejected-hub-name'}) %>"
    "<% endif %>"
)


def write_prompt(question: Question) -> str | dict[str, str]:
    """Return what cookiecutter shows: the label, the help below it, and each choice with its label."""
    text = "\n".join([question.label, *(f"      {line}" for line in question.help), "     "])
    if not question.choices:
        return text
    return {"__prompt__": text.rstrip(), **{value: f"{value}: {label}" for value, label in question.choices.items()}}


def write_context(source: Questions) -> dict[str, Any]:
    """Return the content of cookiecutter.json."""
    keys = source.keys()
    defaults = {
        question.key: list(question.choices) or name_answers(question.default, keys, "cookiecutter.")
        for question in source.questions
    }
    free = [question for question in source.questions if not question.choices]
    return {
        "_written_from": SOURCE,
        **defaults,
        # cookiecutter finds included pieces in templates/; copier needs the folder's name before theirs.
        "__pieces": "",
        "__hub_name": FOLDER,
        "__prompts__": {question.key: write_prompt(question) for question in source.questions},
        "_messages": {question.key: [question.wrong, question.fix] for question in free},
        "_patterns": {question.key: question.pattern for question in free if question.pattern},
        "_lists": {question.key: question.one_of for question in free if question.one_of},
        # Templates that render to a message or to nothing.
        "_rules": {question.key: question.templates() for question in source.questions if question.rules},
        "_only_when": source.only_when,
        "_message": source.message,
        "_jinja2_env_vars": JINJA,
    }


def write_value(value: Any, indent: str) -> str:
    """Return JSON in lines that a review can read: one for each entry of an object, and long lists folded."""
    text = json.dumps(value, ensure_ascii=False)
    inner = f"{indent}  "
    if isinstance(value, dict):
        entries = [f"{inner}{json.dumps(key)}: {write_value(item, inner)}" for key, item in value.items()]
        return "{\n" + ",\n".join(entries) + f"\n{indent}}}"
    if not isinstance(value, list) or len(text) <= 400:
        return text
    if any(" " in item for item in value):
        return "[\n" + ",\n".join(inner + json.dumps(item, ensure_ascii=False) for item in value) + f"\n{indent}]"
    return textwrap.fill(text, 118, subsequent_indent=inner, break_on_hyphens=False)


def write_cookiecutter_json(source: Questions) -> str:
    """Return the text of cookiecutter.json."""
    return write_value(write_context(source), "") + "\n"
