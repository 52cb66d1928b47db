#!/usr/bin/env python3
"""Write deployer/hub.lock: the Python packages of the hub image, in its versions, with hashes.

`make check` loads the hub's configuration with them, and `make try` runs the hub.

python tools/write_hub_lock.py REQUIREMENTS   write it; REQUIREMENTS is the hub image's requirements.txt at the pinned
                                              version of the chart, a path or a URL (default: the one on GitHub)
"""

import re
import subprocess
import sys
import tempfile
from pathlib import Path
from urllib.request import urlopen

REPOSITORY = Path(__file__).resolve().parent.parent / "<<cookiecutter.hub_name>>"
CHART = REPOSITORY.parent / "templates" / "lib" / "jupyterhub_chart.jinja"
LOCK = REPOSITORY / "deployer" / "hub.lock"
SOURCE = "https://raw.githubusercontent.com/jupyterhub/zero-to-jupyterhub-k8s/{version}/images/hub/requirements.txt"
HEADER = """\
# The Python packages of the hub image of the jupyterhub chart {version}, in its versions.
# Written by tools/write_hub_lock.py of the template; psycopg2-binary is psycopg2 without a compiler.
# Install it with `pip install --no-deps --require-hashes -r hub.lock`. Without --no-deps, older versions of pip reject
# packages that others require with extras.
"""
# psycopg2 has no wheels. The image has Python 3.12; rpds-py 2026 needs at least 3.11, and nothing here depends on it.
REPLACED = {
    "psycopg2": "psycopg2-binary=={version}",
    "rpds-py": "rpds-py=={version}; python_version >= '3.11'\nrpds-py<2026; python_version < '3.11'",
}
# What the image asks for with extras, which a frozen list does not show.
EXTRAS = {"oauthenticator": "oauthenticator[googlegroups,mediawiki]"}


def chart_version() -> str:
    """The version of the jupyterhub chart that the template pins."""
    text = CHART.read_text(encoding="utf-8")
    (version,) = re.findall(r'version = "(\S+)"', text)
    return str(version)


def pins(text: str) -> dict[str, str]:
    """The version of each package of a frozen requirements.txt."""
    return dict(re.findall(r"^([a-z0-9-]+)==([^\s;]+)", text, flags=re.MULTILINE))


def direct(text: str) -> list[str]:
    """The packages that the image asks for itself, not those that come with them."""
    return re.findall(r"^([a-z0-9-]+)==\S+\n    # via(?:\n    #  )? -r ", text, flags=re.MULTILINE)


def lock(text: str, version: str) -> str:
    """The lock for a frozen requirements.txt, for every Python from 3.10 and every system. Runs uv."""
    versions = pins(text)
    replaced = [REPLACED.get(name, f"{name}=={{version}}").format(version=number) for name, number in versions.items()]
    asked = [EXTRAS.get(name, name if name != "psycopg2" else "psycopg2-binary") for name in direct(text)]
    with tempfile.TemporaryDirectory() as folder:
        (Path(folder) / "constraints.txt").write_text("\n".join(replaced), encoding="utf-8")
        (Path(folder) / "hub.in").write_text("\n".join(asked), encoding="utf-8")
        options = ["--universal", "--python-version", "3.10", "--generate-hashes", "--no-header", "--no-annotate"]
        command = ["uv", "pip", "compile", "--quiet", *options, "--constraints", "constraints.txt", "hub.in"]
        compiled = subprocess.run(command, cwd=folder, check=True, stdout=subprocess.PIPE, text=True).stdout
    return HEADER.format(version=version) + compiled


def main() -> None:
    version = chart_version()
    source = sys.argv[1] if len(sys.argv) > 1 else SOURCE.format(version=version)
    if source.startswith("https://"):
        with urlopen(source) as answer:  # noqa: S310
            text = answer.read().decode()
    else:
        text = Path(source).read_text(encoding="utf-8")
    LOCK.write_text(lock(text, version), encoding="utf-8")


if __name__ == "__main__":
    main()
