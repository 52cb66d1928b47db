"""Read or write one home. This program runs in a pod beside the volume, in the hub's image, which has Python.

It and the modules that it imports use the standard library only: the pod gets their text in its environment.
"""

import json
import os
import shutil
import sys
import time
from pathlib import Path

from deployer.homes import packing, tree, unpacking

# Seconds after the last command until the pod ends by itself: its operator may be gone.
IDLE = 60


def wait() -> None:
    """Stay while commands run in this container, and a minute longer."""
    idle = 0
    while idle < IDLE:
        time.sleep(1)
        # The first process is this one. A pod has its own numbers.
        others = [name for name in os.listdir("/proc") if name.isdigit() and int(name) not in (1, os.getpid())]
        idle = 0 if others else idle + 1


def main(command: str, root: str, *arguments: str) -> None:
    """Run a command, and print its result as JSON."""
    if command == "wait":
        wait()
    elif command == "list":
        print(json.dumps([item.name for item in Path(root).iterdir() if item.is_dir() and not item.is_symlink()]))
    elif command == "empty":
        for item in os.scandir(root):
            shutil.rmtree(item.path) if item.is_dir(follow_symlinks=False) else os.unlink(item.path)
        print(json.dumps(os.listdir(root)))
    elif command == "state":
        print(json.dumps(tree.compute_state(root)))
    elif command == "archive":
        packing.archive(root, sys.stdout.buffer, float(arguments[0]))
        # Until the reader has everything: kubectl drops what is under way when the program ends.
        sys.stdin.buffer.read()
    elif command == "restore":
        print(json.dumps(unpacking.restore(root, sys.stdin.buffer, json.loads(arguments[0]))))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except ValueError as failure:
        sys.exit(str(failure))
    except OSError as failure:
        sys.exit(f"{failure.filename or 'the volume'}: {failure.strerror}")
