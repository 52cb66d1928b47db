#!/usr/bin/env python3
"""Write from questions.yaml what the engines and the readers need.

python tools/write_questions.py           write it
python tools/write_questions.py --check   print what is not up to date; exit 1 if anything is
"""

import sys

from cookiecutter_json import write_cookiecutter_json
from copier_yaml import write_copier_yaml
from questions import TEMPLATE, read_questions
from reference_page import write_page, write_readme


def write_files() -> dict[str, str]:
    """Return the text of each file that is written from questions.yaml, by its path in the template."""
    source = read_questions()
    return {
        "cookiecutter.json": write_cookiecutter_json(source),
        "copier.yml": write_copier_yaml(source),
        "docs/reference/questions.md": write_page(source),
        "README.md": write_readme(source, (TEMPLATE / "README.md").read_text(encoding="utf-8")),
    }


def main() -> None:
    for name, text in write_files().items():
        path = TEMPLATE / name
        if "--check" not in sys.argv[1:]:
            path.write_text(text, encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != text:
            sys.exit(f"{name}: is not what questions.yaml says. Run `make questions`.")


if __name__ == "__main__":
    main()
