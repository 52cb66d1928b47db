#!/usr/bin/env python3
"""Write examples/rendered/ from two answer files, so that a review shows what a change does to the output.

python tools/write_sample.py           write it
python tools/write_sample.py --check   say whether it is up to date; exit 1 if not
"""

import filecmp
import shutil
import sys
import tempfile
from pathlib import Path

import copier
import yaml

TEMPLATE = Path(__file__).resolve().parent.parent
EXAMPLES = TEMPLATE / "examples"
SAMPLES = EXAMPLES / "rendered"
# Between them: both pipelines, a cloud and machines of one's own, a key file and a KMS.
NAMES = ("campus-k3s", "github-eks")


def render_sample(template: Path, name: str, target: Path) -> None:
    """Render the repository of an answer file. The answers file in it does not say from where the template came."""
    answers = yaml.safe_load((EXAMPLES / f"{name}.yaml").read_text(encoding="utf-8"))
    copier.run_copy(str(template), target, data=answers, defaults=True, quiet=True)
    record = target / ".copier-answers.yml"
    lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
    record.write_text("".join(line for line in lines if not line.startswith("_src_path")), encoding="utf-8")


def render_samples(target: Path) -> None:
    """Render all samples. The template is copied without git, whose commit would stand in the answers files."""
    with tempfile.TemporaryDirectory() as folder:
        template = Path(folder)
        shutil.copy2(TEMPLATE / "copier.yml", template)
        for part in ("<<cookiecutter.hub_name>>", "templates"):
            shutil.copytree(TEMPLATE / part, template / part, ignore=shutil.ignore_patterns("__pycache__"))
        for name in NAMES:
            render_sample(template, name, target / name)


def list_files(folder: Path) -> set[str]:
    """Return the files below a folder, by their relative paths."""
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder, "samples")
        render_samples(fresh)
        if "--check" not in sys.argv[1:]:
            shutil.rmtree(SAMPLES, ignore_errors=True)
            shutil.copytree(fresh, SAMPLES)
            return
        stale = list_files(fresh) ^ list_files(SAMPLES)
        both = list_files(fresh) - stale
        stale |= {name for name in both if not filecmp.cmp(fresh / name, SAMPLES / name, False)}
        if stale:
            sys.exit(
                f"examples/rendered: is not what the template writes ({', '.join(sorted(stale))}). Run `make sample`."
            )


if __name__ == "__main__":
    main()
