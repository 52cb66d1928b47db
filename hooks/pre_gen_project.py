#!/usr/bin/env python3
"""Refuse bad answers before anything is written, by the rules of cookiecutter.json."""

import json
import re
import sys

from jinja2 import Environment

answers = dict(json.loads(r'<< cookiecutter.items() | list | tojson >>'))  # fmt: skip

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


if sentences := refusals():
    sys.exit("\n".join(sentences))
