"""copier.yml, written from the questions, so that both engines ask, check and reject the same."""

from typing import Any

import yaml
from questions import JINJA, SOURCE, Conflict, Question, Questions, quote_literal

HEADER = f"# Written by `make questions` from {SOURCE}, which is the file to edit.\n"
# copier has no lists of answers that a validator can read; a folded text does not make a line of 8 KB.
WIDTH = 120


def write_pattern(question: Question) -> str:
    """Return a template that renders to a message if the answer does not match the pattern, else to nothing."""
    key = question.key
    if question.one_of:
        good = f"{key} in {quote_literal(' '.join(question.one_of))}.split()"
    else:
        # The x makes a match of the empty answer true.
        whole = rf"\Ax(?:{question.pattern})\Z"
        good = f"('x' ~ {key}) | regex_search({quote_literal(whole)})"
    head, tail = f"{key}: {question.wrong} ('", f"'). {question.fix}"
    return f"<% if not ({good}) %><< {quote_literal(head)} ~ {key} ~ {quote_literal(tail)} >>"


def join_rules(question: Question) -> str:
    """Return a template that renders to a line for each rule that an answer breaks: to nothing if it is good."""
    rules = question.templates()
    if len(rules) < 2:
        return "".join(rules)
    # An empty line between two messages: Jinja removes the first line end after a block.
    return "<% set broken %>" + "\n\n".join(rules) + "<% endset %><< broken | trim >>"


def write_validator(question: Question) -> str:
    """Return a template that renders to nothing for a good answer and to a message for another one."""
    rules = join_rules(question)
    return write_pattern(question) + (f"<% else %>{rules}" if rules else "") + "<% endif %>"


def needs_reason(question: Question) -> bool:
    """Tell whether earlier answers can forbid the default of a free text."""
    return not question.choices and any(isinstance(rule, Conflict) for rule in question.rules)


def write_reason(question: Question) -> dict[str, Any]:
    """Return a hidden question: the message on the default, or nothing if the default is good."""
    rules = join_rules(question)
    text = f"<% set {question.key} %>{question.default}<% endset %>{rules}"
    return {"type": "str", "when": False, "default": text}


def write_default(question: Question) -> str:
    """Return the default. Where earlier answers forbid it there is none: copier would stop at it on a terminal.

    UNSET is copier's word for no default. With --defaults the validator rejects it, with a better message.
    """
    if not needs_reason(question):
        return question.default
    return f"<% if {question.key}_reason and not _copier_conf.defaults %><< UNSET >><% endif %>{question.default}"


def write_help(question: Question) -> str:
    """Return the label and the help, with the reason for a missing default: of an error copier shows the start only."""
    text = "\n".join([question.label, *(f"   {line}" for line in question.help)])
    if not needs_reason(question):
        return text
    key = question.key
    reason = rf'<< "\n   " >><< {key}_reason | wordwrap(76, wrapstring="\n   ") >>'
    return f"{text}<% if {key}_reason and {key} is not defined %>{reason}<% endif %>"


def write_choices(question: Question) -> dict[str, str | dict[str, str]]:
    """Return the values by their labels. A choice that conflicts with an earlier answer is shown with the message.

    On a terminal copier checks choices in no other way.
    """
    labels = {f"{value}: {label}": value for value, label in question.choices.items()}
    if not question.rules:
        return dict(labels)
    rules = join_rules(question)
    return {
        label: {"value": value, "validator": f"<% set {question.key} = {quote_literal(value)} %>{rules}"}
        for label, value in labels.items()
    }


def write_question(question: Question) -> dict[str, Any]:
    """Return copier's form of a question."""
    text = {"type": "str", "help": write_help(question)}
    if question.choices:
        return {**text, "choices": write_choices(question), "default": write_default(question)}
    return {**text, "default": write_default(question), "validator": write_validator(question)}


def write_all(source: Questions) -> dict[str, Any]:
    """Return copier's form of all questions, the hidden ones included."""
    written = {}
    for question in source.questions:
        if needs_reason(question):
            written[f"{question.key}_reason"] = write_reason(question)
        written[question.key] = write_question(question)
    return written


def write_answers(keys: list[str]) -> str:
    """Return the `cookiecutter` object that the tree reads, as the JSON of a hidden question."""
    answers = [f"{quote_literal(key)}: << {key} | tojson >>" for key in keys]
    return "{" + ", ".join([*answers, '"__pieces": "templates/"']) + "}"


def write_settings(source: Questions) -> dict[str, Any]:
    """Return the content of copier.yml."""
    return {
        "_min_copier_version": "9.15.0",
        "_subdirectory": "<% raw %><<cookiecutter.hub_name>><% endraw %>",
        "_templates_suffix": "",
        "_envops": {**JINJA, "keep_trailing_newline": True, "undefined": "jinja2.StrictUndefined"},
        "_message_after_copy": source.message.replace("FOLDER", "<< _copier_conf.dst_path >>"),
        "_exclude": [f"<% if not ({condition}) %>/{path}<% endif %>" for path, condition in source.only_when.items()],
        **write_all(source),
        "cookiecutter": {"type": "json", "when": False, "default": write_answers(source.keys())},
    }


def write_copier_yaml(source: Questions) -> str:
    """Return the text of copier.yml."""
    return HEADER + yaml.safe_dump(write_settings(source), sort_keys=False, allow_unicode=True, width=WIDTH)
