"""Run a script of cluster/ with what config/hub.yaml says of the nodes: create, autoscale or fixed."""

import argparse
import os
import re
import subprocess

import hub

FOLDER = hub.ROOT / "cluster"


def environment() -> dict[str, str]:
    """What the scripts read: where the cluster is, its name, the machines of the students, and how many at most."""
    where = (FOLDER / "where.sh").read_text(encoding="utf-8")
    places = dict(re.findall(r"^([A-Z_]+)=(.*)$", where, flags=re.MULTILINE))
    for name, value in places.items():
        if "fill-in--" in value:
            hub.stop(f"cluster/where.sh: {name} is still {value}: say where the cluster is to be")
    node = hub.read(hub.ROOT / "config" / "hub.yaml")["course"]["node"]
    for key in ("machine", "max"):
        if not node.get(key):
            hub.stop(f"config/hub.yaml: course.node.{key} is missing, and the node pool is made from it")
    return {**places, "NAME": hub.name(), "MACHINE": str(node["machine"]), "MAX": str(node["max"])}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("do", nargs="?", default="")
    do = parser.parse_args().do
    if do not in ("create", "autoscale", "fixed"):
        hub.stop("say DO=create, DO=autoscale or DO=fixed; docs/cluster.md says what each does")
    script = FOLDER / f"{do}.sh"
    given = environment()
    print(
        f"{script.relative_to(hub.ROOT)} with {' '.join(f'{name}={value}' for name, value in given.items())}",
        flush=True,
    )
    done = subprocess.run([script], cwd=hub.ROOT, env={**os.environ, **given})
    if done.returncode:
        hub.stop(f"{script.relative_to(hub.ROOT)} stopped in the middle; it says above why")


if __name__ == "__main__":
    main()
