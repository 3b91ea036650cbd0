#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Who may include what. Argument: the source directory.

include <- bpf;  include <- policyc <- agent -> skeletons;  tests -> everything;
netns-tests -> binaries only. Within agent/, bpf/ and tests/bpf/ a folder includes those below it.
"""
import os
import re
import sys

from sources import is_c, read, report, walk

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]', re.M)

# (files, what they may not include, why). Both are regular expressions on the whole path.
FORBIDDEN = [
    (r"include/synfw/(abi|reasons)\.h", r"(?!linux/types\.h$).*",
     "the contract with the kernel needs <linux/types.h> only"),
    (r"include/.*", r"(bpf|yaml|jansson|libmnl|pcap).*|.*(policyc|agent)/.*",
     "the public headers depend on nothing of the project"),
    (r"bpf/.*", r"(?!linux/|bpf/bpf_|synfw/|std(bool|def|int)\.h$|asm/|([a-z]+/)?[a-z_]+\.bpf\.h$).*",
     "a BPF program sees the kernel's headers and include/ only"),
    (r"policyc/.*", r"bpf/.*|linux/(bpf|if_link).*|libmnl/.*|.*\.skel\.h|sys/syslog\.h|syslog\.h"
     r"|systemd/.*|.*agent/.*", "policyc knows no kernel, no log and no agent"),
    (r"(?!agent/|tests/).*", r".*\.skel\.h", "only the agent uses the skeletons"),
    (r"netns-tests/.*", r"synfw/.*|bpf/.*|policyc\.h|(diag|image|model|prefix)\.h|.*\.skel\.h"
     r"|.*(agent|policyc)/.*", "black box: through the built binaries only"),
]
# From the ground up: a folder includes of these what stands before it.
STOREYS = {
    "agent/": ["base", "host", "policy", "datapath", "sources", "processes", "apply", "report",
               "cli", "synfwd"],
    "bpf/": ["common", "packets", "processes"],
    "tests/bpf/": ["base", "model", "harness", "random", "packets", "processes", "tables",
                   "verdicts"],
}
# Wings beside each other.
APART = [("bpf/processes/", "packets/"), ("agent/synfwd/", "cli/"), ("agent/synfwd/", "report/")]

# (header, directory, how many files of it may include it)
COUNTED = [("yaml.h", "policyc/", 1), ("yaml.h", "agent/", 0), ("jansson.h", "policyc/", 1)]
# (files, what they may not say, why)
SILENT = [
    (r"policyc/.*", re.compile(r"\bstd(err|out)\b|\bf?puts\s*\(\s*\"|[^fnsv]printf\s*\(|\bsyslog\s*\("
                               r"|\bperror\s*\("), "libraries never log"),
    (r"agent/(base/(fault|json|notes|paths|privileges)\.|"
     r"(host|policy|datapath|sources|processes|apply)/).*",
     re.compile(r"\bstd(err|out)\b|\bf?put(s|char)\s*\(|[^fdnsv]printf\s*\(|\bsyslog\s*\("),
     "only what commands say is printed: by cli/, report/ and base/ui.c"),
    (r"policyc/.*", re.compile(r"\b(exit|abort|_exit)\s*\("), "a library does not end its caller"),
]


def headers_of(root, directory):
    """As others include them: from the directory on."""
    return {path[len(directory):] for path in walk(root)
            if path.startswith(directory) and path.endswith(".h")}


def check_storeys(path, includes):
    for top, storeys in STOREYS.items():
        if not path.startswith(top) or "/" not in path[len(top):]:
            continue
        folder = path[len(top):].split("/")[0]
        if folder not in storeys:
            yield f"{path}: {folder}/ has no storey"
            continue
        for name in includes:
            above = name.split("/")[0]
            if above == "..":
                yield f"{path}: includes {name}: from {top} on, not from here"
            if "/" in name and above in storeys and storeys.index(above) > storeys.index(folder):
                yield f"{path}: includes {name}: {above}/ stands above {folder}/"
    for files, other in APART:
        for name in includes:
            if path.startswith(files) and name.startswith(other):
                yield f"{path}: includes {name}, of which it knows nothing"


def without_comments(text):
    return re.sub(r"/\*.*?\*/|//[^\n]*", "", text, flags=re.S)


def check_file(path, text):
    includes = [name for _, name in INCLUDE.findall(text)]
    for files, forbidden, why in FORBIDDEN:
        if not re.fullmatch(files, path):
            continue
        for name in includes:
            if re.fullmatch(forbidden, name):
                yield f"{path}: includes {name}: {why}"
    yield from check_storeys(path, includes)
    code = without_comments(text)
    for files, said, why in SILENT:
        if re.fullmatch(files, path) and (found := said.search(code)):
            yield f"{path}: {found.group().strip()}: {why}"


def check(root):
    problems = []
    checked = 0
    users = {}
    agent_only = headers_of(root, "agent/") - headers_of(root, "policyc/") \
        - headers_of(root, "tests/") - headers_of(root, "bpf/")
    for path in walk(root):
        if not is_c(path):
            continue
        text = read(root, path)
        checked += 1
        problems += check_file(path, text)
        for bracket, name in INCLUDE.findall(text):
            users.setdefault(name, []).append(path)
            if bracket == '"' and name in agent_only and \
                    not path.startswith(("agent/", "tests/", "benchmarks/")):
                problems.append(f"{path}: includes {name}, which belongs to the agent")
    for name, directory, limit in COUNTED:
        found = [path for path in users.get(name, []) if path.startswith(directory)]
        if len(found) > limit:
            problems.append(f"{name} is included by {', '.join(found)}: at most {limit} may")
    return problems, checked


if __name__ == "__main__":
    sys.exit(report(*check(sys.argv[1])))
