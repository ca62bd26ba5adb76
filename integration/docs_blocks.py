#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What documents show, as things that can be tried.

    docs_blocks.py script FILE            the blocks marked `sh`, as one script for bash
    docs_blocks.py check FILE OUTPUT      that they have printed what the document shows
    docs_blocks.py typed FILE...          the lines of blocks marked `text` that are no output: what
                                          needs a registry, or programs of others
    docs_blocks.py commands FILE...       each `rustbox ...` in a document: FILE:LINE:COMMAND
    docs_blocks.py messages FILE SOURCE...  that each heading which is a message, whole in
                                          backquotes, is one of the sources' texts

The script prints a line "### N" before the N-th block. What a document shows as
output is the block marked `text` that follows with nothing but an empty line
between. Output is compared line by line; ids, times and measured numbers may
be others, and a line "..." stands for any lines.
"""

import re
import sys


def blocks(path):
    """Each code block: its kind, the line before its first one, its lines, what came before."""
    kind = None
    before = []
    with open(path, encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            line = line.rstrip("\n")
            fence = re.match(r"```(\w*)$", line)
            if not fence:
                (before if kind is None else lines).append(line)
            elif kind is None:
                kind, start, lines = fence[1] or "none", number, []
            else:
                yield kind, start, lines, before
                kind, before = None, []


def pairs(path):
    """Each sh block and what it is to print: None, or a list of lines."""
    script = None
    for kind, _, lines, before in blocks(path):
        shown = kind == "text" and script is not None and not any(before)
        if script is not None:
            yield script, lines if shown else None
        script = lines if kind == "sh" else None
    if script is not None:
        yield script, None


def typed(path):
    after_script = False
    for kind, _, lines, before in blocks(path):
        if kind == "text" and not (after_script and not any(before)):
            yield from lines
        after_script = kind == "sh"


def print_script(path):
    for number, (lines, _) in enumerate(pairs(path), 1):
        print(f"echo '### {number}'")
        print("\n".join(lines))


SIZES = "B|kB|MB|GB|KiB|MiB|GiB"
VARIABLE = (
    (r"\b[0-9a-f]{12,64}\b", "ID"),
    (r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d\S*", "TIME"),
    (r"(Less than a|About an?|\d+) (second|minute|hour)s?( ago)?", "AGO"),
    (rf"\b\d+(\.\d+)? ?(ms|s|%|{SIZES})(?!\w)", "NUMBER"),
    (r"\b\d+\.\d+\b", "NUMBER"),
    (r'("\w+_(ns|peak)"): \d+', r"\1: NUMBER"),
    (r"\s+", " "),
)


def normal(line):
    for pattern, word in VARIABLE:
        line = re.sub(pattern, word, line)
    return line.strip()


def printed(output):
    """What each block has printed, by its number."""
    found = {}
    with open(output, encoding="utf-8", errors="replace") as file:
        for line in file.read().splitlines():
            marker = re.match(r"### (\d+)$", line)
            if marker:
                lines = found[int(marker[1])] = []
            elif found:
                lines.append(line)
    return found


def check(path, output):
    found = printed(output)
    status = 0
    for number, (_, shown) in enumerate(pairs(path), 1):
        if shown is None:
            continue
        pattern = "".join("(.*\n)*?" if line == "..." else re.escape(normal(line)) + "\n"
                          for line in shown)
        lines = found.get(number, [])
        if not re.fullmatch(pattern, "".join(normal(line) + "\n" for line in lines)):
            print(f"{path}: block {number} should print", *shown, "and has printed", *lines,
                  sep="\n    ")
            status = 1
    return status


def print_commands(paths):
    for path in paths:
        with open(path, encoding="utf-8") as file:
            text = file.read()
        shown = [(start + i, line) for _, start, lines, _ in blocks(path)
                 for i, line in enumerate(lines, 1)]
        shown += [(text.count("\n", 0, m.start()) + 1, m[1].replace("\n", " "))
                  for m in re.finditer(r"`(rustbox [^`]+)`", text)]
        for number, line in shown:
            for command in re.finditer(r"(?:^|[$(;&|]|\bsudo)\s*(rustbox \S[^|;&)]*)", line):
                print(f"{path}:{number}:{command[1].strip()}")


def check_messages(path, sources):
    """A message's "..." are what the program puts in: conversions."""
    texts = []
    for source in sources:
        with open(source, encoding="utf-8") as file:
            # Neighbouring literals are one.
            code = re.sub(r'(?<!\\)"\s*"', "", file.read())
            texts += re.findall(r'"((?:[^"\\\n]|\\.)*)"', code)
    with open(path, encoding="utf-8") as file:
        messages = re.findall(r"^### `(.*)`$", file.read(), re.M)
    unknown = []
    for message in messages:
        parts = message.replace('"', '\\"').split("...")
        pattern = re.compile("%.*?".join(map(re.escape, parts)))
        if not any(pattern.search(text) for text in texts):
            unknown.append(message)
    for message in unknown:
        print(f"{path}: no source says: {message}")
    return 1 if unknown or len(messages) < 20 else 0


def main(arguments):
    if arguments[:1] == ["script"] and len(arguments) == 2:
        print_script(arguments[1])
    elif arguments[:1] == ["check"] and len(arguments) == 3:
        return check(*arguments[1:])
    elif arguments[:1] == ["messages"] and len(arguments) > 2:
        return check_messages(arguments[1], arguments[2:])
    elif arguments[:1] == ["typed"]:
        for path in arguments[1:]:
            print(*typed(path), sep="\n")
    elif arguments[:1] == ["commands"]:
        print_commands(arguments[1:])
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
