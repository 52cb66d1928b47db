#!/usr/bin/env python3
"""Write copier.yml from cookiecutter.json, so that both engines ask, validate and refuse the same.

python tools/write_copier_yaml.py           write it
python tools/write_copier_yaml.py --check   say whether it is up to date; exit 1 if not
"""

import json
import re
import sys
import textwrap
from pathlib import Path

import yaml

TEMPLATE = Path(__file__).resolve().parent.parent
HEADER = "# Written by tools/write_copier_yaml.py from cookiecutter.json: change that, then run `make copier.yml`.\n"


def literal(text: str) -> str:
    """A string literal, of Jinja and of JSON."""
    return json.dumps(text)


def validator(key: str, pattern: list[str] | None, refusals: list[str]) -> str:
    """A template that renders to nothing for a good answer and to the sentence of pre_gen_project.py for a bad one."""
    several = "\n\n".join(refusals)  # Jinja trims the first of two line ends after a block
    if not pattern:
        return several
    # The x makes a match of the empty answer true.
    whole = rf"\Ax(?:{pattern[0]})\Z"
    match = f"('x' ~ {key}) | regex_search({literal(whole)})"
    return (
        f"<% if not ({match}) %>{key} '<< {key} >>' << {literal(pattern[1])} >>"
        + (several and f"<% else %>{several}")
        + "<% endif %>"
    )


def choices(key: str, values: list[str], refusals: list[str]) -> list[str] | dict[str, dict[str, str]]:
    """The choices; one that an earlier answer forbids is shown and cannot be taken, because of the sentence.

    On a terminal copier validates no choice in any other way.
    """
    if not refusals:
        return values
    several = "".join(refusals)
    return {value: {"value": value, "validator": f"<% set {key} = {literal(value)} %>{several}"} for value in values}


def without_default(key: str, text: str, refusals: list[str]) -> str:
    """Set `refusal` to the sentence if earlier answers forbid the default, else to nothing."""
    return f"<% set {key} %>{text}<% endset %><% set refusal %>{''.join(refusals)}<% endset %>"


def default(key: str, text: str, refusals: list[str]) -> str:
    """Return the default, or none where earlier answers forbid it: on a terminal copier would stop there.

    UNSET is copier's word for a question without a default. With --defaults the sentence of the validator is better.
    """
    if not refusals:
        return text
    unset = "<% if refusal and not _copier_conf.defaults %><< UNSET >><% endif %>"
    return without_default(key, text, refusals) + unset + f"<< {key} >>"


def help_text(key: str, help: str, text: str | list[str], refusals: list[str]) -> str:
    """Return the help in lines that fit a terminal, which copier cuts off, with the reason for a missing default."""
    lines = textwrap.fill(help, 76, subsequent_indent="   ", break_on_hyphens=False)
    if isinstance(text, list) or not refusals:
        return lines
    reason = '<% if refusal %><< "\\n" >>   << refusal | wordwrap(76, wrapstring="\\n   ") >><% endif %>'
    return f"{lines}<% if {key} is not defined %>{without_default(key, text, refusals)}{reason}<% endif %>"


def context(questions: list[str]) -> str:
    """The `cookiecutter` object that the tree reads, as the JSON of a hidden question.

    cookiecutter looks for included pieces in templates/, copier in the root: __pieces is what is missing.
    """
    answers = [f"{literal(key)}: << {key} | tojson >>" for key in questions]
    return "{" + ", ".join([*answers, '"__pieces": "templates/"']) + "}"


def copier(cookiecutter: dict) -> dict:
    """What copier.yml holds, as one object."""
    questions = [key for key in cookiecutter if not key.startswith("_")]
    refusals = cookiecutter["_refusals"]
    settings: dict = {
        "_min_copier_version": "9.15.0",
        "_subdirectory": "<% raw %><<cookiecutter.hub_name>><% endraw %>",
        "_templates_suffix": "",
        "_envops": {
            **cookiecutter["_jinja2_env_vars"],
            "keep_trailing_newline": True,
            "undefined": "jinja2.StrictUndefined",
        },
        "_message_after_copy": cookiecutter["_message"].replace("FOLDER", "<< _copier_conf.dst_path >>"),
        "_exclude": [
            f"<% if not ({condition}) %>/{path}<% endif %>" for path, condition in cookiecutter["_only_when"].items()
        ],
    }
    for key in questions:
        answer = cookiecutter[key]
        if isinstance(answer, str):
            answer = re.sub(r"\bcookiecutter\.", "", answer)
        help = help_text(key, cookiecutter["__prompts__"][key], answer, refusals.get(key, []))
        question = {"type": "str", "help": help}
        if isinstance(answer, list):
            question |= {"choices": choices(key, answer, refusals.get(key, [])), "default": answer[0]}
        else:
            question["default"] = default(key, answer, refusals.get(key, []))
            if text := validator(key, cookiecutter["_patterns"].get(key), refusals.get(key, [])):
                question["validator"] = text
        settings[key] = question
    settings["cookiecutter"] = {"type": "json", "when": False, "default": context(questions)}
    return settings


def main() -> None:
    cookiecutter = json.loads((TEMPLATE / "cookiecutter.json").read_text(encoding="utf-8"))
    text = HEADER + yaml.safe_dump(copier(cookiecutter), sort_keys=False, allow_unicode=True, width=4096)
    target = TEMPLATE / "copier.yml"
    if "--check" not in sys.argv[1:]:
        target.write_text(text, encoding="utf-8")
    elif target.read_text(encoding="utf-8") != text:
        sys.exit("copier.yml is not what cookiecutter.json says: run `make copier.yml`")


if __name__ == "__main__":
    main()
