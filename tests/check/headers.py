#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Each header compiles alone. Arguments: source directory, build directory, cc, clang."""
import subprocess
import sys

from sources import report, walk

WARNINGS = ["-std=gnu11", "-D_GNU_SOURCE", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror",
            "-fsyntax-only"]
BPF_ONLY = ["-target", "bpf", "-O2", "-g", "-D__TARGET_ARCH_x86_64", "-Wno-unused-function"]


def multiarch(cc):
    return subprocess.run([cc, "-print-multiarch"], check=True, capture_output=True,
                          text=True).stdout.strip()


def command(root, build, cc, clang, path):
    includes = [f"-I{root}/include", f"-I{root}/policyc", f"-I{root}/agent", f"-I{root}/tests/bpf",
                f"-I{build}/bpf"]
    if path.endswith(".bpf.h"):
        return [clang, *BPF_ONLY, f"-I{root}/include", f"-I{root}/bpf", "-isystem", f"/usr/include/{multiarch(cc)}"]
    return [cc, *includes]


def check(root, build, cc, clang):
    problems = []
    headers = [path for path in walk(root) if path.endswith(".h")]
    for path in headers:
        # Twice: the guard works, too.
        text = f'#include "{root}/{path}"\n#include "{root}/{path}"\n'
        run = subprocess.run([*command(root, build, cc, clang, path), *WARNINGS, "-x", "c", "-"],
                             input=text, capture_output=True, text=True, check=False)
        if run.returncode:
            problems.append(f"{path} does not compile alone:\n{run.stderr}")
    return problems, len(headers)


if __name__ == "__main__":
    sys.exit(report(*check(*sys.argv[1:5])))
