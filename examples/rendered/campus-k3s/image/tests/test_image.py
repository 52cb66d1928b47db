"""Runs inside the image while it is built (`make image-test`), with what the image has and nothing else."""

import importlib
import os
import re
import shutil
import subprocess
import sys
import unittest
from importlib import metadata
from pathlib import Path

HERE = Path(__file__).resolve().parent
# Every node downloads the image before its first student gets in: 10 GiB unpacked are minutes already.
BUDGET = 10 * 2**30
# What a package brings into the browser and does not bring along.
PROGRAMS = {"jupyter-rsession-proxy": "rserver", "jupyter-vscode-proxy": "code-server"}


def normal(name: str) -> str:
    """A package's name as pip compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


class Image(unittest.TestCase):
    """Students find these."""

    def test_packages_import(self) -> None:
        modules = metadata.packages_distributions()
        for line in (HERE / "requirements.txt").read_text(encoding="utf-8").splitlines():
            if not (found := re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line)):
                continue
            names = [m for m, packages in modules.items() if normal(found[0]) in map(normal, packages)]
            for name in names:
                if name.isidentifier() and not name.startswith("_"):
                    with self.subTest(package=found[0], module=name):
                        importlib.import_module(name)
            with self.subTest(package=found[0]):
                metadata.version(found[0])

    def test_packages_fit_together(self) -> None:
        done = subprocess.run([sys.executable, "-m", "pip", "check"], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, f"a package lacks what it needs: {done.stdout}")

    def test_hub_accepts_the_server(self) -> None:
        program = shutil.which("jupyterhub-singleuser")
        self.assertIsNotNone(program, "jupyterhub-singleuser is not in the image: no server would start")
        here = subprocess.run([program, "--version"], check=True, capture_output=True, text=True).stdout.strip()
        hub = os.environ["HUB_VERSION"]
        # JupyterHub promises to work with servers of its own major version only.
        self.assertEqual(
            here.split(".")[0],
            hub.split(".")[0],
            f"the image has jupyterhub-singleuser {here} and the hub is {hub}: "
            f"put jupyterhub=={hub.split('.')[0]}.* into image/requirements.txt, or take another base",
        )

    def test_what_opens_is_there(self) -> None:
        places = os.pathsep.join([os.environ["PATH"], "/usr/lib/rstudio-server/bin"])
        for package, program in PROGRAMS.items():
            if package in (HERE / "requirements.txt").read_text(encoding="utf-8"):
                with self.subTest(program=program):
                    self.assertIsNotNone(shutil.which(program, path=places), f"{program} is not in the image")

    def test_notebooks_run(self) -> None:
        for notebook in sorted(HERE.rglob("*.ipynb")):
            with self.subTest(notebook=notebook.name):
                command = [sys.executable, "-m", "nbconvert", "--to", "notebook", "--execute", "--stdout", notebook]
                done = subprocess.run(command, capture_output=True, text=True)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_size(self) -> None:
        # Files that a builder mounts into the build are not part of the image.
        done = subprocess.run(["du", "--one-file-system", "-sB1", "/"], capture_output=True, text=True)
        size = int(done.stdout.split()[0])
        print(f"unpacked, the image has {size / 2**30:.1f} GiB", flush=True)
        self.assertLess(size, BUDGET, f"over the budget of {BUDGET / 2**30:.0f} GiB that image/tests sets")


if __name__ == "__main__":
    unittest.main()
