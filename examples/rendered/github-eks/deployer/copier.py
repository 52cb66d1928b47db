"""Run copier, which writes this repository again from the template, in the version from which it was last written."""

import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Mapping
from pathlib import Path

import yaml

from deployer.errors import UserError
from deployer.paths import ROOT
from deployer.process import find_tool
from deployer.yaml_files import read_mapping

ANSWERS = ROOT / ".copier-answers.yml"
# $COPIER replaces the command, where the package index is out of reach.
COMMAND = "uv tool run copier==9.19.1"


def read_answers() -> dict[str, str]:
    """Return the answers that the template knows, without what copier notes of the template itself."""
    return {key: str(value) for key, value in read_mapping(ANSWERS).items() if not str(key).startswith("_")}


def run_copier(*arguments: str, ask: bool = True) -> None:
    """Run copier in this repository. Raises UserError where it fails; where it may ask, it says why on the terminal."""
    require_template()
    command = shlex.split(os.environ.get("COPIER") or COMMAND)
    command[0] = find_tool(command[0])
    # It speaks to the terminal: what the command itself prints can go into a file.
    stderr = None if ask else subprocess.PIPE
    done = subprocess.run([*command, *arguments], cwd=ROOT, stdout=2, stderr=stderr, encoding="utf-8")
    if done.returncode and not ask:
        raise UserError(read_reason(done.stderr))
    if done.returncode:
        raise UserError("copier has stopped, and says above why. Correct that, then run the same command again")


def read_reason(text: str) -> str:
    """Return why copier has stopped, from a traceback of Python: for an answer, the template's own sentence."""
    if found := re.search(r"^ValueError: (?:Validation error for question '\w+': )?(.*)", text, re.M | re.S):
        return found[1].strip()
    return f"copier has stopped: {text.strip() or 'it gives no reason'}"


def require_template() -> None:
    """Raise UserError where the template was in a folder that is not there: copier would print a traceback."""
    source = str(read_mapping(ANSWERS).get("_src_path") or "")
    if (
        not re.match(r"git\+|gh:|gl:|[\w.-]+@[\w.-]+:|\w+://", source)
        and not (ROOT / Path(source).expanduser()).is_dir()
    ):
        raise UserError(
            f".copier-answers.yml: _src_path is '{source}', and that folder is not here. Write the address of the "
            "template there, such as gh:ORG/z2jh-template, and commit"
        )


def write_again(path: str) -> None:
    """Write one file as the template does for the present answers, without anyone's edits."""
    present = ("--vcs-ref", ":current:", "--defaults", "--overwrite", "--quiet")
    run_copier("recopy", *present, "--exclude", "*", "--exclude", f"!{path}")


def update_answers(answers: Mapping[str, str], ask: bool = False) -> None:
    """Let new answers change the repository, edits of its owners included; ask for those that are not given."""
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder, "answers.yaml")
        data.write_text(yaml.safe_dump(dict(answers), allow_unicode=True), encoding="utf-8")
        mode = () if ask else ("--defaults", "--quiet")
        options = ("--vcs-ref", ":current:", "--conflict", "inline", *mode, "--data-file", str(data))
        run_copier("update", *options, ask=ask)
