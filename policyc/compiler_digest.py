#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Names a compiler by its sources: compiler_digest.py ROOT OUTPUT DEPFILE

What one made is continued by the same one only (compile/basis.h). Writes a header, and on which files
it depends."""
import hashlib
import os
import sys

root, output, depfile = sys.argv[1:]
paths = sorted(
    os.path.join(folder, name)
    for top in ("policyc", "include/synfw")
    for folder, _, names in os.walk(os.path.join(root, top))
    for name in names
    if name.endswith((".c", ".h", "meson.build")) and not name.startswith("."))
digest = hashlib.sha256()
for path in paths:
    with open(path, "rb") as source:
        digest.update(os.path.relpath(path, root).encode() + b"\0" + hashlib.sha256(source.read()).digest())
with open(output, "w") as header:
    header.write(f"#define COMPILER_DIGEST 0x{digest.hexdigest()[:16]}ULL\n")
with open(depfile, "w") as depends:
    depends.write(f"{output}: {' '.join(path.replace(' ', chr(92) + ' ') for path in paths)}\n")
