#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""What the documentation says is so. Arguments: the source directory, the built synfw.

The manual pages name every command, option, key, reason, exit code and environment variable, and
none that there is not. Commands in the texts exist and take their options, whole policies in them
pass `synfw check`, links lead somewhere, and paths that are named are there.
"""
import glob
import itertools
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field

from sources import read, report, walk

COMMANDS_PAGE = "docs/synfw.8.scd"
POLICY_PAGE = "docs/synfw-policy.5.scd"
FENCE = re.compile(r"^```[^\n]*\n(.*?)^```", re.M | re.S)
SPAN = re.compile(r"(?<!`)`([^`\n]+)`(?!`)")
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")
COMMAND_LINE = re.compile(r"^\s*(?:[$#]\s+)?(?:sudo\s+)?(?:\S*/)?synfw\s+(.*)")
OPTION_LINE = re.compile(r"^ +(?:-(\w), )? *--([a-z-]+)( \S+)? ")
BOLD = re.compile(r"\*([^*\n]+)\*")


@dataclass
class Command:
    operands: str = ""
    options: dict = field(default_factory=dict)  # "--json" or "-j" -> whether it takes a value


@dataclass
class Facts:
    """What the program and the sources say."""
    commands: dict      # name -> Command
    keys: list          # of `synfw explain --json`
    reasons: set
    exit_codes: set
    environment: set
    abi: str            # SYNFW_ABI_VERSION
    check_policy: object  # path -> what is wrong with it, "" for nothing


# ---- what is so ----------------------------------------------------------------------------------

def run(synfw, *arguments):
    return subprocess.run([synfw, *arguments], capture_output=True, text=True, check=False)


def command_facts(synfw, name):
    lines = run(synfw, "help", name).stdout.splitlines()
    usage = re.fullmatch(r"usage: synfw \S+ (.*)\[OPTIONS\]", lines[0])
    command = Command(usage.group(1).strip())
    for line in lines:
        option = OPTION_LINE.match(line)
        if option:
            command.options["--" + option.group(2)] = bool(option.group(3))
        if option and option.group(1):
            command.options["-" + option.group(1)] = bool(option.group(3))
    return command


def check_policy(synfw, path):
    result = run(synfw, "check", path)
    return result.stderr.strip() or ("it fails" if result.returncode else "")


def facts_of(root, synfw):
    names = re.findall(r"^  ([a-z]+)  ", run(synfw, "help").stdout, re.M)
    agent = [read(root, path) for path in walk(root) if re.fullmatch(r"agent/(?!synfwd/).*\.[ch]", path)]
    variables = r'(?:getenv|directory_from_environment)\("(\w+)"'
    exits = re.search(r"enum exit_code \{(.*?)\}", read(root, "agent/base/fault.h"), re.S).group(1)
    return Facts(
        commands={name: command_facts(synfw, name) for name in names},
        keys=json.loads(run(synfw, "explain", "--json").stdout)["keys"],
        reasons=set(re.findall(r'SYNFW_REASON\(\d+, \w+, "([a-z-]+)"',
                               read(root, "include/synfw/reasons.h"))),
        exit_codes=set(re.findall(r"EXIT_\w+ = (\d+)", exits)),
        abi=re.search(r"SYNFW_ABI_VERSION (\d+)", read(root, "include/synfw/abi.h")).group(1),
        environment=set(itertools.chain(*(re.findall(variables, text) for text in agent))),
        check_policy=lambda path: check_policy(synfw, path))


# ---- manual pages --------------------------------------------------------------------------------

def sections(text, level):
    """Title -> text of each section of this level, without literal blocks."""
    parts = re.split(rf"^{'#' * level} (.+)$", FENCE.sub("", text), flags=re.M)
    return dict(zip(parts[1::2], parts[2::2]))


def terms(text):
    """Term -> its line and description: *term*, *term* _ARG_ alone at the start of a line."""
    found = {}
    for block in re.split(r"\n(?=\*)", "\n" + text):
        line, _, rest = block.partition("\n")
        if rest.startswith("\t"):
            found.update({term: block for term in BOLD.findall(line)})
    return found


def compare(page, what, documented, real):
    for name in sorted(real - documented):
        yield f"{page}: {what} {name} is not documented"
    for name in sorted(documented - real):
        yield f"{page}: there is no {what} {name}"


def check_command_sections(page, text, facts):
    top = sections(text, 1)
    common = set(terms(top.get("COMMON OPTIONS", "")))
    described = sections(top.get("COMMANDS", ""), 2)
    yield from compare(page, "command", set(described), set(facts.commands))
    for name, section in described.items():
        command = facts.commands.get(name, Command())
        options = {term for term in terms(section) if term.startswith("-")}
        yield from compare(page, f"option of {name},", options | common & set(command.options),
                           set(command.options))
        if f"*synfw {name}*" not in section:
            yield f"{page}: {name} has no synopsis"
        if "--json" in command.options and not re.search(rf"^\*synfw\.{name}[./]", text, re.M):
            yield f"{page}: the JSON output of {name} is not documented"


def check_commands_page(page, text, facts):
    yield from check_command_sections(page, text, facts)
    top = {title: set(terms(body)) for title, body in sections(text, 1).items()}
    yield from compare(page, "reason", top.get("REASONS", set()), facts.reasons)
    yield from compare(page, "exit code", top.get("EXIT STATUS", set()), facts.exit_codes)
    # TERM is everybody's; it is mentioned where colours are.
    yield from compare(page, "environment variable", top.get("ENVIRONMENT", set()) | {"TERM"},
                       facts.environment | {"TERM"})


def check_policy_page(page, text, facts):
    described_in = sections(text, 1)
    later = terms(described_in.pop("NOT SUPPORTED YET", ""))
    for described, supported in ((terms("\n".join(described_in.values())), True), (later, False)):
        kind = "key" if supported else "unsupported key"
        real = {key["key"] for key in facts.keys if key["supported"] == supported}
        yield from compare(page, kind, set(described), real)
        for key in facts.keys:
            for word in key["words"] if key["key"] in described else ():
                if not re.search(rf"\*{word}\*", described[key["key"]]):
                    yield f"{page}: {key['key']} does not explain the word {word}"
            if key["required"] and "Required" not in described.get(key["key"], "Required"):
                yield f"{page}: {key['key']} is required, and the page does not say so"


# ---- commands and policies in texts --------------------------------------------------------------

def command_words(line):
    """The words behind `synfw`, up to what the shell takes for itself, or None."""
    match = COMMAND_LINE.match(line)
    if not match:
        return None
    lexer = shlex.shlex(match.group(1), posix=True, punctuation_chars=True)
    lexer.whitespace_split = True
    lexer.commenters = "#"
    try:
        return list(itertools.takewhile(lambda word: not set(word) <= set("|&;<>()"), lexer))
    except ValueError:
        return None


def check_operands(command, operands, facts):
    """What is wrong with the operands, or None."""
    wanted = command.operands
    most = len(wanted.split())
    least = most - sum(word.startswith("[") for word in wanted.split())
    repeated = wanted.endswith("...") or wanted.endswith("...]")
    if len(operands) < least or len(operands) > most and not repeated:
        return f"takes {wanted or 'no operand'}, not {' '.join(operands) or 'nothing'}"
    for word, operand in zip(wanted.split(), operands):
        if "|" in word and operand not in word.split("|"):
            return f"takes {wanted}, not {operand}"
    if operands and wanted == "[KEY]":
        parts = {part for key in facts.keys
                 for part in (key["key"], key["key"].rpartition(".")[2])}
        if operands[0] not in parts:
            return f"there is no key {operands[0]}"
    if operands and wanted == "[COMMAND]" and operands[0] not in facts.commands:
        return f"there is no command {operands[0]}"
    return None


def check_words(words, facts):
    """What is wrong with a command line, or None."""
    name, words = words[0], list(words[1:])
    if name not in facts.commands:
        return f"there is no command {name}"
    command, operands = facts.commands[name], []
    while words:
        word = words.pop(0)
        if not word.startswith("-") or word == "-":
            operands.append(word)
            continue
        option, equals, _ = word.partition("=")
        if option not in command.options:
            return f"{name} has no option {option}"
        if command.options[option] and not equals:
            if not words:
                return f"{option} needs a value"
            words.pop(0)
    return check_operands(command, operands, facts)


def check_mentions(path, spans, facts):
    """Commands in a sentence: one that is only named needs no operands."""
    named = [span for span in spans if re.fullmatch(r"synfw [a-z]\S*", span)]
    for span in named:
        if span.split()[1] not in facts.commands:
            yield f"{path}: `{span}`: there is no such command"
    yield from check_commands(path, [span for span in spans if span not in named], facts)


def check_commands(path, blocks, facts):
    for block in blocks:
        for line in block.replace("\\\n", " ").splitlines():
            words = command_words(line)
            # `synfw COMMAND` is a placeholder.
            if not words or not re.fullmatch(r"[a-z].*", words[0]):
                continue
            problem = check_words(words, facts)
            if problem:
                yield f"{path}: `synfw {' '.join(words)}`: {problem}"


def check_policies(root, path, blocks, facts):
    with tempfile.TemporaryDirectory() as directory:
        feeds = os.path.join(root, "policies", "feeds")
        if os.path.isdir(feeds):
            # Copied, so that they are new: `max-age` in an example must not make it stale.
            shutil.copytree(feeds, os.path.join(directory, "feeds"), copy_function=shutil.copyfile)
        policy = os.path.join(directory, "policy.yaml")
        for block in blocks:
            if not re.search(r"^version:", block, re.M):
                continue
            with open(policy, "w", encoding="utf-8") as file:
                file.write(block)
            problem = facts.check_policy(policy)
            if problem:
                yield f"{path}: this policy is not valid:\n{block}{problem}"


# ---- Markdown ------------------------------------------------------------------------------------

def anchors(text):
    """What GitHub makes of the headings."""
    for heading in re.findall(r"^#+ (.+)$", FENCE.sub("", text), re.M):
        yield re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")


def check_links(root, path, text):
    for target in LINK.findall(FENCE.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        file = os.path.normpath(os.path.join(os.path.dirname(path), name)) if name else path
        if not os.path.exists(os.path.join(root, file)):
            yield f"{path}: the link to {target} leads nowhere"
        elif anchor and file.endswith(".md") and anchor not in anchors(read(root, file)):
            yield f"{path}: {file} has no heading #{anchor}"


def check_paths(root, path, spans):
    """`agent/apply/commit.c`: a path below one of the project's directories. NAME stands for any name."""
    directories = {file.split("/")[0] for file in walk(root) if "/" in file}
    for span in spans:
        if not re.fullmatch(r"[\w./*-]+/[\w./*-]*", span) or span.split("/")[0] not in directories:
            continue
        if not glob.glob(os.path.join(root, re.sub(r"\b[A-Z]{2,}\b|(?<=_)[A-Z]{2,}", "*", span))):
            yield f"{path}: there is no {span}"


def check_markdown(root, path, text, facts):
    spans = SPAN.findall(FENCE.sub("", text))
    yield from check_links(root, path, text)
    yield from check_paths(root, path, spans)
    yield from check_mentions(path, spans, facts)


def check_abi(path, text, facts):
    """The directory of pins has the version in its name. Decisions tell what was."""
    if path.startswith("docs/decisions/"):
        return
    for version in sorted(set(re.findall(r"\babi(\d+)\b", text)) - {facts.abi}):
        yield f"{path}: abi{version} is named, and this is abi{facts.abi}"


def check_text(root, path, text, facts):
    yield from check_abi(path, text, facts)
    if path == COMMANDS_PAGE:
        yield from check_commands_page(path, text, facts)
    if path == POLICY_PAGE:
        yield from check_policy_page(path, text, facts)
    if path.endswith((".md", ".scd")):
        yield from check_commands(path, FENCE.findall(text), facts)
        yield from check_policies(root, path, FENCE.findall(text), facts)
    if path.endswith(".scd"):
        yield from check_mentions(path, BOLD.findall(FENCE.sub("", text)), facts)
    if path.endswith(".md"):
        yield from check_markdown(root, path, text, facts)
    if re.fullmatch(r"policies/.*\.yaml", path):
        # An explanation stands behind the command, some blanks away.
        comments = [comment.split("   ")[0] for comment in re.findall(r"^# *(.*)$", text, re.M)]
        yield from check_commands(path, comments, facts)


def check(root, facts):
    problems, checked = [], 0
    for path in walk(root):
        if path.startswith(("docs/", "policies/")) or path.endswith(".md"):
            text = read(root, path)
            checked += 1
            problems += check_text(root, path, text, facts)
    for page in (COMMANDS_PAGE, POLICY_PAGE):
        if not os.path.exists(os.path.join(root, page)):
            problems.append(f"{page} is missing")
    return problems, checked


if __name__ == "__main__":
    sys.exit(report(*check(sys.argv[1], facts_of(sys.argv[1], sys.argv[2]))))
