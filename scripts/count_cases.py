#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Counts the cases of a Meson test log: count_cases.py testlog.json prints "PASSED FAILED".

A program's own lines count where it has them (cmocka's "[       OK ]" and TAP's "ok N"); a program
without such lines is one case. A failed program counts at least one failure.
"""

import json
import re
import sys

OK = re.compile(r"^(?:\[ +OK +\]|ok \d+(?!.*# SKIP))", re.MULTILINE)
BAD = re.compile(r"^(?:\[ +FAILED +\] \S+$|not ok \d+)", re.MULTILINE)


def cases(record):
    text = record.get("stdout", "") + "\n" + record.get("stderr", "")
    passed = len(OK.findall(text))
    failed = len(BAD.findall(text))
    if record["result"] in ("OK", "EXPECTEDFAIL"):
        return max(passed, 1), 0
    if record["result"] == "SKIP":
        sys.stderr.write(f'not run: {record["name"]}: {text.strip()}\n')
        return 0, 0
    return passed, max(failed, 1)


def main():
    passed = failed = 0
    with open(sys.argv[1], encoding="utf-8") as log:
        for line in log:
            ok, bad = cases(json.loads(line))
            passed += ok
            failed += bad
    print(passed, failed)


if __name__ == "__main__":
    main()
