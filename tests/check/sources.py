# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The files of the project, for the checks of this directory."""
import os

SKIPPED = {".git", "__pycache__"}  # .git is a file in a work tree


def is_build_directory(path):
    return os.path.exists(os.path.join(path, "meson-private"))


def walk(root):
    """Yields (path relative to the root, with slashes) for each regular file, sorted."""
    found = []
    for directory, children, names in os.walk(root):
        children[:] = [child for child in children if child not in SKIPPED
                       and not is_build_directory(os.path.join(directory, child))]
        for name in names:
            path = os.path.join(directory, name)
            if name not in SKIPPED and os.path.isfile(path) and not os.path.islink(path):
                found.append(os.path.relpath(path, root))
    return sorted(found)


def read(root, path):
    """The text of a file, or None for what is not text."""
    try:
        with open(os.path.join(root, path), encoding="utf-8") as file:
            return file.read()
    except UnicodeDecodeError:
        return None


def is_c(path):
    return path.endswith((".c", ".h"))


def report(problems, checked):
    """Prints the problems and returns the exit status. Nothing checked is a problem, too."""
    for problem in problems:
        print(problem)
    if not checked:
        print("nothing was checked")
    print(f"{checked} files, {len(problems)} problems")
    return 1 if problems or not checked else 0
