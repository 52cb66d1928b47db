#!/usr/bin/env python3
"""Reject bad answers before anything is written, by the rules in cookiecutter.json."""

import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import Any

from cookiecutter.config import get_user_config
from jinja2.sandbox import SandboxedEnvironment

# A replay file can hold a hub_name that is a path. When a hook exits with an error, cookiecutter removes the folder to
# which the path leads, with all that is in it; when the text of a hook cannot be rendered, it removes nothing.
# << '%(hub_name: is a path. Correct it in the replay file.)s' % {} if '/' in cookiecutter.hub_name else '' >>

# The context that cookiecutter keeps, and the one it asked with: for a choice all of its values.
kept = dict(json.loads(r'<< cookiecutter.items() | list | tojson >>'))  # fmt: skip
asked = dict(json.loads(r'<< _cookiecutter.items() | list | tojson >>'))  # fmt: skip
CALLED_FROM = Path(os.environ.get("PWD", "."))

# <% raw %>


def typed() -> dict[str, str]:
    """Return the answers as they were typed; what cookiecutter has made of them differs in two cases."""
    answers = {key: text for key, text in kept.items() if key[0] != "_"}
    if kept["__hub_name"]:
        answers["hub_name"] = kept["__hub_name"].strip()
    # Without prompts it renders an answer as if it were a template. The defaults that are meant so begin with <<-.
    for key, text in asked.items():
        if isinstance(text, str) and re.search("<<(?!-)|<%|<#", text):
            answers[key] = text
    return answers


# <% endraw %>


def command_line() -> list[str]:
    """Return the command line of cookiecutter, of which it tells a hook nothing."""
    told = Path(f"/proc/{os.getppid()}/cmdline")
    if told.exists():
        return told.read_text(encoding="utf-8", errors="replace").split("\0")
    ps = subprocess.run(["ps", "-o", "args=", "-p", str(os.getppid())], capture_output=True, text=True)
    return ps.stdout.split()


def option(name: str) -> str | None:
    """Return the value of an option of cookiecutter's command line."""
    arguments = command_line()
    for argument, following in zip(arguments, [*arguments[1:], ""]):  # noqa: B905
        if argument.split("=")[0] == name:
            return argument.partition("=")[2] or following
    return None


def rejected_defaults(config: dict[str, Any]) -> list[str]:
    """Return sentences on choices of the user's configuration that are none; cookiecutter would take the default."""
    return [
        f"{key}: '{value}' in cookiecutter's configuration is not one of its values. "
        f"Write one of {', '.join(asked[key])} there, and run the command again."
        for key, value in config["default_context"].items()
        if isinstance(asked.get(key), list) and value not in asked[key]
    ]


def rejected_answers(answers: dict[str, str]) -> list[str]:
    """Return the messages that say what is wrong with the answers, in the order of the questions."""
    jinja = SandboxedEnvironment(**kept["_jinja2_env_vars"])
    jinja.filters["regex_search"] = lambda text, pattern: re.search(pattern, text)  # copier has it
    found: list[str] = []
    for key, answer in answers.items():
        pattern, accepted = kept["_patterns"].get(key), kept["_lists"].get(key)
        if (pattern and not re.fullmatch(pattern, answer)) or (accepted and answer not in accepted):
            wrong, fix = kept["_messages"][key]
            found.append(f"{key}: {wrong} ('{answer}'). {fix}")
        elif key in kept["_rules"] and not found:  # a rule reads earlier answers, all of which must be good
            messages = jinja.from_string("\n\n".join(kept["_rules"][key])).render(answers)
            found += filter(None, messages.split("\n"))
    return found


def shorten_replay(config: dict[str, Any], answers: dict[str, str]) -> Path | None:
    """Leave nothing but the answers in the replay file, and return its path.

    Whatever else it holds is the template's, and would be older than the template when the file is used again.
    """
    file = Path(config["replay_dir"], f"{Path(kept['_repo_dir']).name}.json")
    if not file.is_file() or json.loads(file.read_text(encoding="utf-8"))["cookiecutter"] != kept:
        return None
    file.write_text(json.dumps({"cookiecutter": answers}, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return file


def replay_command() -> str:
    """Return the command that uses the replay file, as cookiecutter was called."""
    parts = Path(sys.prefix).parts
    program = ["cookiecutter"]
    if "pipx" in parts and "venvs" not in parts:
        program = ["pipx", "run", "cookiecutter"]
    elif "uv" in parts and "tools" not in parts:
        program = ["uvx", "cookiecutter"]
    command = [*program, kept["_template"], "--replay"]
    for name, value in ("--checkout", kept["_checkout"]), ("--config-file", option("--config-file")):
        if value:
            command += [name, value]
    if not CALLED_FROM.samefile(kept["_output_dir"]):
        command += ["--output-dir", os.path.relpath(kept["_output_dir"], CALLED_FROM)]
    return shlex.join(command)


def main() -> None:
    default = "--default-config" in command_line()
    config_file = option("--config-file")
    config = get_user_config(config_file and str(CALLED_FROM / config_file), default)
    answers = typed()
    file = shorten_replay(config, answers)
    if sentences := rejected_defaults(config):
        # Of the defaults after the wrong one cookiecutter has taken none: these answers are not what was meant.
        sys.exit("\n".join(sentences))
    sentences = rejected_answers(answers)
    if sentences and file:
        keys = [key for key in answers if any(re.search(rf"(^{key}:|\b{key} ')", text) for text in sentences)]
        sentences += [f"Your answers are in {file}: correct {', '.join(keys)} there. Then run:", replay_command()]
    if sentences:
        sys.exit("\n".join(sentences))


main()
