#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The checks find what they are there to find: each sample breaks one rule and must be reported."""
import os
import sys
import tempfile

import layering
import style

C = style.C_SPDX + "\n"
GUARD = "#ifndef A_H\n#define A_H\n#endif\n"

# (check, file, contents, a part of the message)
BAD = [
    (style, "a.c", "int a;\n", "the first line is not"),
    (style, "a.h", C + "int a;\n", "no include guard"),
    (style, "a.py", "import os\n", "no SPDX line"),
    (style, "a.c", C + "int a;\n" * 500, "501 lines"),
    (style, "a.c", C + "        int a;\n", "indented by spaces"),
    (style, "a.c", C + "int a; \n", "trailing space"),
    (style, "a.c", C + "bpf_" + "printk(1);\n", "debugging only"),
    (style, "a.c", C + "#if 0\n#endif\n", "disabled"),
    (style, "README.md", "see /wo" + "rk/main\n", "path of one machine"),
    (layering, "include/synfw/abi.h", C + "#include <stdint.h>\n", "linux/types.h> only"),
    (layering, "bpf/a.bpf.c", C + '#include "policyc.h"\n', "kernel's headers"),
    (layering, "policyc/a.c", C + "#include <bpf/libbpf.h>\n", "no kernel"),
    (layering, "policyc/a.c", C + '#include "synfw.skel.h"\n', "no kernel"),
    (layering, "policyc/a.c", C + 'void a(void) { fprintf(stderr, "a"); }\n', "never log"),
    (layering, "policyc/a.c", C + "void a(void) { exit(1); }\n", "does not end its caller"),
    (layering, "agent/host/a.c", C + '#include "apply/a.h"\n', "stands above"),
    (layering, "agent/host/a.c", C + '#include "../cli/a.h"\n', "not from here"),
    (layering, "tests/bpf/model/a.c", C + '#include "random/random_policy.h"\n',
     "random/ stands above model/"),
    (layering, "agent/attic/a.c", C + "int a;\n", "has no storey"),
    (layering, "agent/synfwd/a.c", C + '#include "report/a.h"\n', "knows nothing"),
    (layering, "agent/synfwd/a.c", C + '#include "cli/a.h"\n', "knows nothing"),
    (layering, "agent/apply/a.c", C + 'void a(void) { printf("a"); }\n', "is printed"),
    (layering, "agent/base/notes.c", C + 'void a(void) { puts("a"); }\n', "is printed"),
    (layering, "bpf/common/a.bpf.h", C + '#include "packets/a.bpf.h"\n', "stands above"),
    (layering, "bpf/processes/a.bpf.h", C + '#include "packets/a.bpf.h"\n', "knows nothing"),
    (layering, "benchmarks/a.c", C + '#include "synfw.skel.h"\n', "only the agent"),
    (layering, "netns-tests/a.c", C + "#include <synfw/abi.h>\n", "black box"),
]
GOOD = [
    (style, "a.h", C + GUARD),
    (style, "a.c", C + "int a;\n"),
    (layering, "bpf/a.bpf.c", C + '#include <synfw/abi.h>\n#include "a.bpf.h"\n'),
    (layering, "policyc/a.c", C + "#include <synfw/abi.h>\n/* stderr */\n"),
    (layering, "agent/apply/a.c", C + '#include "host/a.h"\n#include "a.h"\n'),
    (layering, "netns-tests/a.c", C + '#include <linux/bpf.h>\n#include "a.h"\n'),
]


def problems_of(check, name, contents):
    with tempfile.TemporaryDirectory() as root:
        path = os.path.join(root, name)
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "w", encoding="utf-8") as file:
            file.write(contents)
        return check.check(root)[0]


def two_users_of_yaml_are_reported():
    with tempfile.TemporaryDirectory() as root:
        os.mkdir(os.path.join(root, "policyc"))
        for name in ("a.c", "b.c"):
            with open(os.path.join(root, "policyc", name), "w", encoding="utf-8") as file:
                file.write(C + "#include <yaml.h>\n")
        return any("yaml.h" in problem for problem in layering.check(root)[0])


def main():
    failures = 0
    for check, name, contents, message in BAD:
        if not any(message in problem for problem in problems_of(check, name, contents)):
            print(f"{name}: not reported: {message}")
            failures += 1
    for check, name, contents in GOOD:
        for problem in problems_of(check, name, contents):
            print(f"reported without reason: {problem}")
            failures += 1
    if not two_users_of_yaml_are_reported():
        print("not reported: two files that include yaml.h")
        failures += 1
    print(f"{len(BAD) + len(GOOD) + 1} samples, {failures} failures")
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())
