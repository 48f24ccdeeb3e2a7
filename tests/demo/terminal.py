"""Plain text that looks good in a terminal, and is plain text in a file."""

import os
import shutil
import sys
import textwrap

COLOURED = sys.stdout.isatty() and "NO_COLOR" not in os.environ and os.environ.get("TERM") != "dumb"


def style(code, text):
    return f"\033[{code}m{text}\033[0m" if COLOURED else text


def bold(text):
    return style("1", text)


def dim(text):
    return style("2", text)


def say(text=""):
    print(text, flush=True)


def heading(text):
    say()
    say(bold(style("36", f"── {text} " + "─" * max(3, width() - len(text) - 4))))


def step(text):
    say(dim(f"   {text}"))


def spoken(who, text=""):
    """Begins a line of the conversation; what is streamed goes on from there."""
    print(f"{bold(f'{who:>9}')}  {text}", end="", flush=True)


def width():
    return min(100, shutil.get_terminal_size((100, 24)).columns)


def framed(text):
    """A block of text as it stands, set apart from what is around it."""
    for line in text.split("\n"):
        for part in textwrap.wrap(line, width() - 14) or [""]:
            say(f"{'':>9}  {style('33', '│')} {part}")


def table(titles, rows):
    """Columns as wide as they need to be; the first one gives way where the terminal is narrow."""
    widths = [max(len(str(row[column])) for row in [titles, *rows]) for column in range(len(titles))]
    widths[0] = max(20, min(widths[0], width() - sum(widths[1:]) - 2 * len(widths) - 3))
    say("   " + bold("  ".join(f"{title:<{room}}" for title, room in zip(titles, widths, strict=True))))
    say("   " + dim("  ".join("─" * room for room in widths)))
    for row in rows:
        for number, part in enumerate(textwrap.wrap(str(row[0]), widths[0]) or [""]):
            rest = row[1:] if number == 0 else [""] * (len(row) - 1)
            say("   " + "  ".join(f"{cell!s:<{room}}" for cell, room in zip([part, *rest], widths, strict=True)).rstrip())
