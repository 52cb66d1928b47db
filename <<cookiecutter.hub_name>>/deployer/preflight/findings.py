"""What a check of the cluster has found."""

from functools import partial
from typing import NamedTuple


class Finding(NamedTuple):
    """What a check has found: `ok`, a `note` for people, or a `PROBLEM` that stops a deploy."""

    level: str
    sentence: str


PROBLEM = "PROBLEM"
ok, note, problem = (partial(Finding, level) for level in ("ok", "note", PROBLEM))
