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
    patterns = answers["_patterns"]
    found = [
        f"{key} '{answers[key]}' {patterns[key][1]}"
        for key in answers
        if key in patterns and not re.fullmatch(patterns[key][0], answers[key])
    ]
    if found:
        return found
    jinja = Environment(**answers["_jinja2_env_vars"])
    jinja.filters["regex_search"] = lambda text, pattern: re.search(pattern, text)  # copier has it
    return [
        jinja.from_string(sentence).render(answers)
        for condition, sentence in answers["_refusals"]
        if jinja.compile_expression(condition)(answers)
    ]


if sentences := refusals():
    sys.exit("\n".join(sentences))
