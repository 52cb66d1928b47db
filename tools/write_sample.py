#!/usr/bin/env python3
"""Write examples/rendered/ from examples/campus-k3s.yaml, so that a review shows what a change does to the output.

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
ANSWERS = TEMPLATE / "examples" / "campus-k3s.yaml"
SAMPLE = TEMPLATE / "examples" / "rendered"


def write(target: Path) -> None:
    """Render the template as it stands, without git: its commit and its address would change the answers file."""
    with tempfile.TemporaryDirectory() as folder:
        shutil.copy2(TEMPLATE / "copier.yml", folder)
        for part in ("<<cookiecutter.hub_name>>", "templates"):
            shutil.copytree(TEMPLATE / part, Path(folder, part), ignore=shutil.ignore_patterns("__pycache__"))
        answers = yaml.safe_load(ANSWERS.read_text(encoding="utf-8"))
        copier.run_copy(folder, target, data=answers, defaults=True, quiet=True)
    record = target / ".copier-answers.yml"
    lines = record.read_text(encoding="utf-8").splitlines(keepends=True)
    record.write_text("".join(line for line in lines if not line.startswith("_src_path")), encoding="utf-8")


def files(folder: Path) -> list[str]:
    """The files below a folder, by their relative paths."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def main() -> None:
    with tempfile.TemporaryDirectory() as folder:
        fresh = Path(folder, "sample")
        write(fresh)
        names = files(fresh)
        if "--check" not in sys.argv[1:]:
            shutil.rmtree(SAMPLE, ignore_errors=True)
            shutil.copytree(fresh, SAMPLE)
            return
        stale = set(names) ^ set(files(SAMPLE))
        stale |= {name for name in names if name not in stale and not filecmp.cmp(fresh / name, SAMPLE / name, False)}
        if stale:
            sys.exit(
                f"examples/rendered is not what the template writes: run `make sample` ({', '.join(sorted(stale))})"
            )


if __name__ == "__main__":
    main()
