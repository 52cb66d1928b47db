"""Keep an answer the text that was typed.

Cookiecutter renders the answers of `--no-input` and of a user's configuration as if they were
templates, so that `R << Python` would end in a traceback and `<< cookiecutter.students >>` in another
text. Here they stay as they are, and pre_gen_project.py refuses them with the sentence that copier shows.
"""

import json
from pathlib import Path

from jinja2 import Environment
from jinja2.ext import Extension

TEMPLATE = Path(__file__).resolve().parent.parent


def strings(value: object) -> set[str]:
    """Every string in a JSON value, the keys included."""
    if isinstance(value, dict):
        return set().union(value, *(strings(item) for item in value.values()))
    if isinstance(value, list):
        return set().union(*(strings(item) for item in value))
    return {value} if isinstance(value, str) else set()


class PlainAnswers(Extension):
    """Make Jinja return a nameless source as it is, unless the template itself has written it."""

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        questions = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))
        hooks = {hook.read_text(encoding="utf-8") for hook in TEMPLATE.glob("hooks/*.py")}
        self.own = strings(questions) | hooks | {"<<cookiecutter.hub_name>>"}

    def preprocess(self, source: str, name: str | None, filename: str | None = None) -> str:
        env = self.environment
        markers = (env.variable_start_string, env.block_start_string, env.comment_start_string)
        if name or source in self.own or not any(marker in source for marker in markers):
            return source
        return f"{env.variable_start_string} {json.dumps(source)} {env.variable_end_string}"
