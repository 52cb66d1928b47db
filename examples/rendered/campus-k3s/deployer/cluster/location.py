"""The cluster that cluster/where.sh names. Only repositories for a cloud have that file."""

import re

from deployer import chart
from deployer.errors import UserError
from deployer.marks import BLANK
from deployer.paths import ROOT
from deployer.yaml_files import read_text

FOLDER = ROOT / "cluster"
WHERE = FOLDER / "where.sh"


def read_location() -> dict[str, str]:
    """Return the name of the cluster, and where it is. Raises UserError for what is missing or still a blank."""
    found = dict(re.findall(r"^([A-Z_]+)=(.*)$", read_text(WHERE), flags=re.MULTILINE))
    for name, value in found.items():
        if BLANK in value:
            raise UserError(f"cluster/where.sh: {name} is still {value}: say where the cluster shall be")
    # What a cluster has that this hub has for itself.
    for name, own in (("CLUSTER", chart.read_name()), ("CORE_NODES", "1")):
        if not found.get(name):
            raise UserError(f"cluster/where.sh: {name} is missing. Write {name}={own}")
    return found


def find_other_cluster() -> str:
    """Return the name of the cluster where it is not that of this hub, so that others may be in it; else nothing."""
    found = re.search(r"^CLUSTER=(.*)$", read_text(WHERE), flags=re.MULTILINE) if WHERE.is_file() else None
    return found[1] if found and found[1] != chart.read_name() else ""
