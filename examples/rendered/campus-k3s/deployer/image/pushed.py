"""pushed-images.txt: the images that were pushed from here, with their digests. Only these are deployed.

Everybody can compute the tag of an image before the pipeline pushes it, so a tag in the registry proves nothing. The
file is not in git. The pipeline hands it from job to job, and keeps it from one run on main to the next.
"""

from deployer.paths import ROOT

FILE = ROOT / "pushed-images.txt"


def read_digest(reference: str) -> str:
    """Return the digest with which an image was pushed last; an empty text where it was not pushed from here."""
    lines = FILE.read_text(encoding="utf-8").split() if FILE.is_file() else []
    found = [line.removeprefix(f"{reference}@") for line in lines if line.startswith(f"{reference}@")]
    return found[-1] if found else ""


def add(reference: str, digest: str) -> None:
    """Note an image that was pushed."""
    with FILE.open("a", encoding="utf-8") as file:
        file.write(f"{reference}@{digest}\n")
