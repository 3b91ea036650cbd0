#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Every diagnostic of policyc is shown by a test. Argument: the source directory.

A diagnostic is a format string of diag_error and its kin, or a sentence that a function of policyc
returns for one of them to print. It is shown when a line of a tests/golden/*/*.expected matches it,
or, for what only huge or unusual input causes, a string of tests/unit/*.c.
"""
import re
import sys

from sources import is_c, read, report, walk

CALL = re.compile(r"\bdiag_(?:error|warning|hint|related)\s*\(")
# `return "..."`, `problem = "..."` and the arms of `? "..." : "..."` behind them, in pieces or not.
SENTENCE = re.compile(r'(?:\breturn\b|\bproblem\s*=)([^;]*);', re.S)
LITERAL = re.compile(r'"((?:[^"\\]|\\.)*)"')
PIECES = re.compile(r'"((?:[^"\\]|\\.)*)"(?:\s*"((?:[^"\\]|\\.)*)")*')
CONVERSION = re.compile(r"%(?:\.\*)?[0-9]*(?:ll|l|z)?([sducx])")
PLAIN_SENTENCE = re.compile(r"[a-z\"\\\[]\S* \S.*")
# Formats that are nothing but what others say.
GENERIC = {"%s", '"%s" %s'}


def unescape(literal):
    return literal.replace('\\"', '"').replace("\\\\", "\\")


def joined_literals(text):
    """Each run of adjacent string literals as one text."""
    for match in PIECES.finditer(text):
        yield unescape("".join(LITERAL.findall(match.group())))


def arguments(text, start):
    """What stands between the parenthesis before `start` and its partner."""
    depth, position = 1, start
    while depth:
        literal = LITERAL.match(text, position)
        if literal:
            position = literal.end()
            continue
        depth += {"(": 1, ")": -1}.get(text[position], 0)
        position += 1
    return text[start:position - 1]


def formats(text):
    for call in CALL.finditer(text):
        yield from list(joined_literals(arguments(text, call.end())))[:1]


def sentences(text):
    """Sentences that are returned to be part of a diagnostic: lower case, more than one word."""
    for match in SENTENCE.finditer(text):
        for literal in joined_literals(match.group(1)):
            if PLAIN_SENTENCE.fullmatch(literal) and "%" not in literal:
                yield literal


def pattern(wanted):
    parts, position = [], 0
    for conversion in CONVERSION.finditer(wanted):
        parts.append(re.escape(wanted[position:conversion.start()]))
        parts.append(".*" if conversion.group(1) in "sc" else r"-?[0-9a-f]+")
        position = conversion.end()
    return re.compile("".join(parts) + re.escape(wanted[position:]))


def wanted_texts(root):
    """(file, text) of every diagnostic, each text once."""
    seen = set()
    for path in walk(root):
        if not (path.startswith("policyc/") and path.endswith(".c")):
            continue
        text = read(root, path)
        found = list(formats(text))
        if path.startswith("policyc/frontend/"):
            found += sentences(text)
        for wanted in found:
            if wanted not in GENERIC | seen:
                seen.add(wanted)
                yield path, wanted


def shown_lines(root):
    for path in walk(root):
        if path.startswith("tests/golden/") and path.endswith(".expected"):
            yield from read(root, path).splitlines()
        elif path.startswith("tests/unit/") and is_c(path):
            yield from joined_literals(read(root, path))


def check(root):
    shown = "\n".join(shown_lines(root))
    problems, checked = [], 0
    for path, wanted in wanted_texts(root):
        checked += 1
        if not pattern(wanted).search(shown):
            problems.append(f'{path}: no golden case shows "{wanted}"')
    return problems, checked


if __name__ == "__main__":
    sys.exit(report(*check(sys.argv[1])))
