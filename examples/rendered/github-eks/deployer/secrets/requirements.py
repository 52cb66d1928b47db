"""What JupyterHub requires of some secrets: chart/files/secret_rules.yaml, which a guard of the chart reads, too."""

import re
from collections.abc import Mapping

from deployer.paths import CHART
from deployer.yaml_files import read_mapping

RULES = CHART / "files" / "secret_rules.yaml"


def find_gap(key: str, values: Mapping[str, str]) -> str:
    """Return what JupyterHub would reject in the secret of a key; an empty text where that is nothing.

    `values` are the secrets of the environment by their keys.
    """
    rule, value = read_mapping(RULES).get(key), values[key]
    if not rule:
        return ""
    if not re.search(rule["pattern"], value):
        return f"{key}: JupyterHub requires {rule['requires']} (it has {len(value)} characters)"
    if "unlike" in rule and value == values.get(rule["unlike"]):
        return f"{key}: JupyterHub requires another value than that of {rule['unlike']}"
    return ""
