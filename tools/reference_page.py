"""The reference page of the questions, and the table in the README."""

import re
import textwrap

from questions import SOURCE, Question, Questions, Reject

PAGE = f"""# The questions

<!-- Written by `make questions` from {SOURCE}, which is the file to edit. -->

For people who answer the questions, or write a file of answers. Both engines ask them in this order and show the same
choices. Press Enter to take the default. The first eight say what the hub is; the others have a default that works.

An answer that cannot work is rejected with one of the messages below, before anything is written.
"""
BEGIN = f"<!-- questions: written by `make questions` from {SOURCE} -->"
END = "<!-- end of questions -->"
MORE = {"sign_in_allow": "[What it takes](sign_in_allow.md) depends on `sign_in`."}


def write_default(question: Question) -> str:
    """Return the default in words of Markdown."""
    if not question.default:
        return "empty"
    template = re.fullmatch("<<- (.*) >>", question.default)
    return f"`{template[1] if template else question.default}`" + (", from earlier answers" if template else "")


def write_rejected(question: Question) -> list[str]:
    """Return the messages of a question, with … for the answers."""
    messages = [f"{question.key}: {question.wrong} ('…'). {question.fix}"] if question.wrong else []
    for rule in question.rules:
        if isinstance(rule, Reject):
            messages.append(f"{question.key}: {rule.wrong} ('…'). {rule.fix}")
        else:
            first, *others = (f"{key} '…'" for key in rule.between)
            messages.append(f"{first} conflicts with {' and '.join(others)}: {rule.because}")
    return messages


def write_section(question: Question) -> str:
    """Return the section of a question."""
    about = textwrap.fill(f"{question.label}. {' '.join(question.help)}", 120, break_on_hyphens=False)
    lines = [f"## `{question.key}`", "", about]
    if question.key in MORE:
        lines += ["", MORE[question.key]]
    if question.choices:
        lines += ["", "| value | meaning |", "| --- | --- |"]
        lines += [f"| `{value}` | {label} |" for value, label in question.choices.items()]
    lines += ["", f"Default: {write_default(question)}."]
    if question.format:
        lines[-1] += f" Format: {question.format}."
    if rejected := write_rejected(question):
        lines += ["", "Rejected:", "", "```text", *rejected, "```"]
    return "\n".join(lines) + "\n"


def write_page(source: Questions) -> str:
    """Return the text of docs/reference/questions.md."""
    return "\n".join([PAGE, *map(write_section, source.questions)])


def write_table(source: Questions) -> str:
    """Return the table of the README."""
    lines = ["| key | values | meaning |", "| --- | --- | --- |"]
    for question in source.questions:
        values = ", ".join(f"`{value}`" for value in question.choices) or question.format
        meaning = " ".join(question.help).rstrip(".") if question.choices else question.label
        lines.append(f"| [`{question.key}`](docs/reference/questions.md#{question.key}) | {values} | {meaning} |")
    return "\n".join(lines)


def write_readme(source: Questions, readme: str) -> str:
    """Return the README with the table as it should be. Raises ValueError if it has no place for it."""
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md: the lines '{BEGIN}' and '{END}' are missing. Put them around the table.")
    return f"{before}{BEGIN}\n\n{write_table(source)}\n\n{END}{after}"
