#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Rules on the form of files that a compiler does not check. Argument: the source directory."""
import re
import sys

from sources import is_c, read, report, walk

MAX_LINES = 500
SPDX = "SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause"
C_SPDX = f"/* {SPDX} */"
# Pieces, so that this file does not hold what it looks for.
MACHINE_PATHS = [re.compile(pattern) for pattern in (
    "/wo" + r"rk/(main|shared|\.)", "/ho" + r"me/[a-z]", r"/tm" + r"p/b-", r"/tm" + r"p/brief")]
PRINTK = re.compile(r"\bbpf_" + r"(trace_)?printk\b")
DISABLED = re.compile(r"^\s*#\s*if\s+0\b", re.M)


def check_first_line(path, lines):
    if is_c(path):
        if lines[:1] != [C_SPDX]:
            yield f"{path}:1: the first line is not {C_SPDX}"
        if path.endswith(".h") and not any(line.startswith("#ifndef ") for line in lines[:4]):
            yield f"{path}:2: no include guard behind the licence"
    elif path.endswith((".py", ".sh")) and not any(SPDX in line for line in lines[:2]):
        yield f"{path}:1: no SPDX line"


def check_length(path, lines):
    if (is_c(path) or path.endswith((".py", ".sh"))) and len(lines) > MAX_LINES:
        yield f"{path}: {len(lines)} lines, at most {MAX_LINES}"


def check_indentation(path, lines):
    if not is_c(path):
        return
    for number, line in enumerate(lines, 1):
        if line.startswith("        ") and line.strip() != "\\":
            yield f"{path}:{number}: indented by spaces"
        if line != line.rstrip():
            yield f"{path}:{number}: trailing space"


def check_contents(path, text):
    for pattern in MACHINE_PATHS:
        if (found := pattern.search(text)):
            yield f"{path}: names a path of one machine: {found.group()}"
    if is_c(path) and (found := PRINTK.search(text)):
        yield f"{path}: {found.group()} is for debugging only"
    if is_c(path) and DISABLED.search(text):
        yield f"{path}: code is disabled instead of deleted"


def check(root):
    problems = []
    checked = 0
    for path in walk(root):
        text = read(root, path)
        if text is None:
            continue
        lines = text.splitlines()
        checked += 1
        problems += check_first_line(path, lines)
        problems += check_length(path, lines)
        problems += check_indentation(path, lines)
        problems += check_contents(path, text)
    return problems, checked


if __name__ == "__main__":
    sys.exit(report(*check(sys.argv[1])))
