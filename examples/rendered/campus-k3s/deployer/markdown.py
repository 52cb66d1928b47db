"""Markdown around text of others, which must not leave its place, and within the limits of GitHub and GitLab."""

import re


def fence(text: str, language: str) -> str:
    """Return text as a block of code that nothing in it can close."""
    longest = max(map(len, re.findall("`+", text)), default=0)
    marks = "`" * max(3, longest + 1)
    return f"{marks}{language}\n{text}\n{marks}"


def cut(text: str, most: int, rest: str) -> str:
    """Return the first lines of a text, at most a number of bytes, and where to read the rest if there is more."""
    if len(text.encode()) <= most:
        return text
    kept = text.encode()[:most].decode(errors="ignore")
    whole_lines = kept.rpartition("\n")[0] or kept
    return f"{whole_lines}\n({rest})"


def clean(text: str) -> str:
    """Return a text without control characters, such as those that hide or turn around what follows."""
    return "".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text)
