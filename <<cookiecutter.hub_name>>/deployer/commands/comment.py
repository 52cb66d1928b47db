"""Put a text under the merge request, in one comment: a later run replaces it. For GitLab's pipeline."""

import argparse
import json
import os
import urllib.request
from pathlib import Path
from typing import Any

MARK = "<!-- what the merge will do -->"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    parser.add_argument("file", type=Path, help="the text, in Markdown")


def call_gitlab(method: str, path: str, data: dict[str, str] | None = None) -> Any:
    """Call GitLab's API below the merge request. Raises urllib.error.URLError, which is an OSError."""
    merge_request = "projects/{CI_PROJECT_ID}/merge_requests/{CI_MERGE_REQUEST_IID}".format(**os.environ)
    request = urllib.request.Request(  # noqa: S310 - the address is GitLab's own
        f"{os.environ['CI_API_V4_URL']}/{merge_request}/{path}",
        method=method,
        data=json.dumps(data).encode() if data else None,
        headers={"PRIVATE-TOKEN": os.environ["COMMENT_TOKEN"], "Content-Type": "application/json"},
    )
    with urllib.request.urlopen(request, timeout=60) as answer:  # noqa: S310
        return json.load(answer)


def run(arguments: argparse.Namespace) -> None:
    """Run the command."""
    if not os.environ.get("COMMENT_TOKEN"):
        print("no comment: there is no COMMENT_TOKEN, as in a fork (docs/pipeline.md); the text is among the artifacts")
        return
    body = {"body": f"{MARK}\n{arguments.file.read_text(encoding='utf-8')}"}
    notes = call_gitlab("GET", "notes?per_page=100&sort=asc")
    ours = [note["id"] for note in notes if note["body"].startswith(MARK)]
    call_gitlab("PUT", f"notes/{ours[0]}", body) if ours else call_gitlab("POST", "notes", body)
