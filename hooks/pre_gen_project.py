#!/usr/bin/env python3
"""Refuse bad answers before anything is written, by the rules of cookiecutter.json."""

import json
import re
import sys
from pathlib import Path

from cookiecutter.config import get_user_config
from jinja2 import Environment

answers = dict(json.loads(r'<< cookiecutter.items() | list | tojson >>'))  # fmt: skip

kept = dict(answers)

# Without prompts cookiecutter renders an answer as if it were a template. What counts is what was typed.
typed = dict(json.loads(r'<< _cookiecutter.items() | list | tojson >>'))  # fmt: skip
# <% raw %>
# The defaults of cookiecutter.json that are meant as templates begin with <<-.
for key, text in typed.items():
    if isinstance(text, str) and re.search("<<(?!-)|<%|<#", text):
        answers[key] = text
# <% endraw %>


def refusals() -> list[str]:
    """The sentences that say what is wrong with the answers, in the order of the questions; none if nothing is."""
    jinja = Environment(**answers["_jinja2_env_vars"])
    jinja.filters["regex_search"] = lambda text, pattern: re.search(pattern, text)  # copier has it
    found: list[str] = []
    for key in answers:
        pattern, sentence = answers["_patterns"].get(key, ("", ""))
        if pattern and not re.fullmatch(pattern, answers[key]):
            found.append(f"{key} '{answers[key]}' {sentence}")
        elif not found:  # what follows reads several answers, all of which must be good
            rendered = (jinja.from_string(refusal).render(answers) for refusal in answers["_refusals"].get(key, []))
            found += filter(None, rendered)
    return found


def way_on() -> list[str]:
    """How nobody has to answer everything again: cookiecutter keeps the answers of each run before it comes here."""
    file = Path(get_user_config()["replay_dir"], f"{Path(answers['_repo_dir']).name}.json")
    if not file.is_file() or json.loads(file.read_text(encoding="utf-8"))["cookiecutter"] != kept:
        return []
    return [f"The answers are in {file}: correct them there, and run cookiecutter again with --replay"]


if sentences := refusals():
    sys.exit("\n".join([*sentences, *way_on()]))
