#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""docs.py finds what it is there to find: each sample has one fault and must be reported."""
import os
import sys
import tempfile

import docs


def check_policy(path):
    with open(path, encoding="utf-8") as file:
        return "bad" if "wrong" in file.read() else ""


def key(name, words=(), required=False, supported=True):
    return {"key": name, "words": list(words), "required": required, "supported": supported}


FACTS = docs.Facts(
    commands={"apply": docs.Command("FILE", {"--interface": True, "-i": True, "--force": False,
                                             "--json": False}),
              "show": docs.Command("rules|sets", {}),
              "set": docs.Command("add|list NAME [ADDR...]", {}),
              "explain": docs.Command("[KEY]", {}),
              "status": docs.Command("", {})},
    keys=[key("mode", ["block", "monitor"]), key("rules.name", required=True),
          key("rules.rate", supported=False)],
    reasons={"rule-drop"}, exit_codes={"0", "7"}, environment={"SYNFW_BPFFS", "TERM"},
    abi="9", check_policy=check_policy)

COMMANDS_PAGE = """# COMMON OPTIONS

*-j*, *--json*
\tOne object.

# COMMANDS

## apply

*synfw apply* _FILE_

*-i*, *--interface* _IF_
\tThis one.

*--force*
\tYes.

## show

*synfw show* *rules*

## set

*synfw set* *add*

## explain

*synfw explain*

## status

*synfw status*

# REASONS

*rule-drop*
\tDropped.

# JSON OUTPUT

*synfw.apply/1*
\tKeys.

# EXIT STATUS

*0*
\tDone.

*7*
\tNo.

# ENVIRONMENT

*SYNFW_BPFFS*
\tPins, below abi9.
"""
POLICY_PAGE = """# KEYS

*mode*
\t*block* or *monitor*.

*rules.name*
\tRequired.

# NOT SUPPORTED YET

*rules.rate*
\tLater.
"""
README = """# The title of it

See [the title](#the-title-of-it) and `policies/a.yaml`; `synfw apply` and `synfw explain mode`.

```
sudo synfw apply a.yaml -i eth0 --force   # now
synfw show rules | less
synfw set list blue
synfw set add blue 192.0.2.1 192.0.2.2
synfw set add blue - <list
```

```yaml
version: 1
```
"""
GOOD = {docs.COMMANDS_PAGE: COMMANDS_PAGE, docs.POLICY_PAGE: POLICY_PAGE, "README.md": README,
        "policies/a.yaml": "#  synfw apply a.yaml        in force\nversion: 1\n"}

# (file, text to replace, by what, a part of the message)
BAD = [
    (docs.COMMANDS_PAGE, "## status", "## state", "command status is not documented"),
    (docs.COMMANDS_PAGE, "## status", "## state", "there is no command state"),
    (docs.COMMANDS_PAGE, "*synfw status*", "It", "no synopsis"),
    (docs.COMMANDS_PAGE, "*--force*\n", "--force\n", "option of apply, --force is not"),
    (docs.COMMANDS_PAGE, "*-i*, ", "", "option of apply, -i is not"),
    (docs.COMMANDS_PAGE, "*--force*", "*--force*, *--no*", "there is no option of apply, --no"),
    (docs.COMMANDS_PAGE, "*-j*, *--json*", "It", "option of apply, --json is not"),
    (docs.COMMANDS_PAGE, "*synfw.apply/1*", "It", "JSON output of apply"),
    (docs.COMMANDS_PAGE, "*rule-drop*", "*rule-drp*", "reason rule-drop is not"),
    (docs.COMMANDS_PAGE, "*rule-drop*", "*rule-drp*", "there is no reason rule-drp"),
    (docs.COMMANDS_PAGE, "*7*", "7", "exit code 7 is not"),
    (docs.COMMANDS_PAGE, "*7*", "*8*", "there is no exit code 8"),
    (docs.COMMANDS_PAGE, "*SYNFW_BPFFS*", "It", "variable SYNFW_BPFFS is not"),
    (docs.COMMANDS_PAGE, "below abi9", "below abi8", "abi8 is named, and this is abi9"),
    (docs.COMMANDS_PAGE, "Dropped.", "See *synfw why*.", "there is no such command"),
    (docs.COMMANDS_PAGE, "Dropped.", "Yes\n\n```\nsynfw why me\n```\n", "there is no command why"),
    (docs.POLICY_PAGE, "*mode*", "mode", "key mode is not documented"),
    (docs.POLICY_PAGE, "*mode*", "*mood*", "there is no key mood"),
    (docs.POLICY_PAGE, "*block* or ", "", "does not explain the word block"),
    (docs.POLICY_PAGE, "Required", "Not", "rules.name is required"),
    (docs.POLICY_PAGE, "*rules.rate*", "It", "unsupported key rules.rate is not"),
    (docs.POLICY_PAGE, "*rules.rate*", "*rules.name*", "there is no unsupported key rules.name"),
    (docs.POLICY_PAGE, "Later.", "Later.\n\n```\nversion: wrong\n```", "policy is not valid"),
    ("README.md", "version: 1", "version: wrong", "policy is not valid"),
    ("README.md", "-i eth0", "--iface eth0", "apply has no option --iface"),
    ("README.md", "a.yaml -i eth0", "-i eth0", "takes FILE"),
    ("README.md", "a.yaml -i eth0", "a.yaml \\\n  -i eth0 b.yaml", "takes FILE"),
    ("README.md", "--force   #", "-i   #", "-i needs a value"),
    ("README.md", "show rules", "show flows", "takes rules|sets"),
    ("README.md", "set list blue", "set blue list", "takes add|list"),
    ("README.md", "set list blue", "set list", "takes add|list"),
    ("README.md", "show rules", "show rules sets", "takes rules|sets"),
    ("README.md", "explain mode", "explain mood", "there is no key mood"),
    ("README.md", "`synfw apply`", "`synfw aply`", "there is no such command"),
    ("README.md", "(#the-title-of-it)", "(#the-title)", "has no heading"),
    ("README.md", "(#the-title-of-it)", "(docs/none.md)", "leads nowhere"),
    ("README.md", "policies/a.yaml", "policies/b.yaml", "there is no policies/b.yaml"),
    ("policies/a.yaml", "synfw apply", "synfw aply", "there is no command aply"),
]


def problems_of(files):
    with tempfile.TemporaryDirectory() as root:
        for name, text in files.items():
            path = os.path.join(root, name)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        return docs.check(root, FACTS)[0]


def main():
    failures = 0
    for problem in problems_of(GOOD):
        print(f"reported without reason: {problem}")
        failures += 1
    for name, old, new, message in BAD:
        assert old in GOOD[name], (name, old)
        files = GOOD | {name: GOOD[name].replace(old, new)}
        if not any(message in problem for problem in problems_of(files)):
            print(f"{name}: not reported: {message}")
            failures += 1
    if not any("missing" in problem for problem in problems_of({"README.md": ""})):
        print("not reported: no manual pages")
        failures += 1
    print(f"{len(BAD) + 2} samples, {failures} failures")
    return failures != 0


if __name__ == "__main__":
    sys.exit(main())
