#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Draws the plots of a Markdown page: plot.py PAGE DIRECTORY

Before a table the page says what to draw from it:

    <!-- plot: FILE.svg, log|linear, TITLE OF X, TITLE OF Y -->    lines; x is the first column
    <!-- plot: FILE.svg, bars, TITLE -->                           bars; a group for each column

Both axes of `log` are logarithmic, of `linear` only x. The colours follow the reader's theme.
"""
import math
import os
import re
import sys
from xml.sax.saxutils import escape

MARK = re.compile(r"<!-- plot: (.+?) -->\n(.*?)\n\n((?:\|[^\n]*\n)+)", re.S)
WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 160, 20, 50
COLOURS = ["#4477aa", "#999933", "#009988", "#aa3377", "#777777", "#ee7733"]
OURS = "#dd2211"
STYLE = """text { font: 12px sans-serif; fill: #222 } .grid { stroke: #ddd } .axis { stroke: #222 }
@media (prefers-color-scheme: dark) {
  text { fill: #ddd } .grid { stroke: #444 } .axis { stroke: #ddd } }"""


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def number(text):
    """What the cell begins with, or None."""
    found = re.match(r"-?[0-9.]+", text)
    return float(found.group()) if found else None


def short(value):
    for unit, size in (("M", 1e6), ("k", 1e3)):
        if value >= size:
            return f"{value / size:g}{unit}"
    return f"{value:g}"


def text(x, y, words, anchor="start", more=""):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}"{more}>{escape(words)}</text>'


def line(kind, x1, y1, x2, y2):
    return f'<line class="{kind}" x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}"/>'


def svg(height, parts):
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" '
        f'width="{WIDTH}" height="{height}">', f"<style>{STYLE}</style>", *parts, "</svg>", ""])


def colours(names):
    """One for each name; synfw's own is the same in all plots."""
    others = iter(COLOURS)
    return [OURS if name.startswith("synfw") else next(others) for name in names]


def ticks(largest, smallest, logarithmic):
    if logarithmic:
        powers = range(math.floor(math.log10(smallest)), math.ceil(math.log10(largest)) + 1)
        return [10.0 ** power for power in powers]
    step = 10 ** math.floor(math.log10(largest))
    step = next(step * part for part in (0.2, 0.5, 1, 2) if largest / (step * part) <= 6)
    return [step * i for i in range(math.ceil(largest / step) + 1)]


def scale(values, begin, end, logarithmic):
    """The function from a value to its place between `begin` and `end`."""
    place = math.log10 if logarithmic else lambda value: value
    low, high = place(min(values)), place(max(values))
    return lambda value: begin + (end - begin) * (place(value) - low) / ((high - low) or 1)


def axes(x, y, x_ticks, y_ticks, titles):
    bottom, right = HEIGHT - BOTTOM, WIDTH - RIGHT
    for value in y_ticks:
        yield line("grid", LEFT, y(value), right, y(value))
        yield text(LEFT - 6, y(value) + 4, short(value), "end")
    for value in x_ticks:
        yield line("axis", x(value), bottom, x(value), bottom + 4)
        yield text(x(value), bottom + 18, short(value), "middle")
    yield line("axis", LEFT, bottom, right, bottom)
    yield text((LEFT + right) / 2, HEIGHT - 10, titles[0], "middle")
    middle = (TOP + bottom) / 2
    yield text(16, middle, titles[1], "middle", f' transform="rotate(-90 16 {middle:.0f})"')


def label_places(ends, distance=15):
    """Where the names of the lines go: beside their ends, none over another."""
    places = {}
    for name, end in sorted(ends.items(), key=lambda item: item[1]):
        places[name] = max(end, max(places.values(), default=-distance) + distance)
    return places


def plot_lines(header, rows, titles, logarithmic):
    xs = [number(row[0]) for row in rows]
    # what is too small for a logarithm lies on the axis
    least = 1 if logarithmic else 0
    series = {name: [(xs[i], max(number(row[column]), least)) for i, row in enumerate(rows)
                     if number(row[column]) is not None]
              for column, name in enumerate(header) if column}
    series = {name: points for name, points in series.items() if points}
    ys = [y for points in series.values() for _, y in points]
    y_ticks = ticks(max(ys), max(min(ys), least), logarithmic)
    x_scale = scale(xs, LEFT, WIDTH - RIGHT, True)
    y_scale = scale(y_ticks, HEIGHT - BOTTOM, TOP, logarithmic)
    parts = list(axes(x_scale, y_scale, ticks_within(xs), y_ticks, titles))
    places = label_places({name: y_scale(points[-1][1]) for name, points in series.items()})
    for colour, (name, points) in zip(colours(series), series.items()):
        way = " ".join(f"{x_scale(x):.1f},{y_scale(y):.1f}" for x, y in points)
        width = 3 if colour == OURS else 1.5
        parts.append(f'<polyline points="{way}" fill="none" stroke="{colour}" '
                     f'stroke-width="{width}"/>')
        parts += [f'<circle cx="{x_scale(x):.1f}" cy="{y_scale(y):.1f}" r="3" fill="{colour}"/>'
                  for x, y in points]
        parts.append(text(WIDTH - RIGHT + 10, places[name] + 4, name, "start",
                          f' style="fill: {colour}"'))
    return svg(HEIGHT, parts)


def ticks_within(values):
    return [value for value in ticks(max(values), min(values), True)
            if min(values) <= value <= max(values)]


def plot_bars(header, rows, title):
    largest = max(number(cell) or 0 for row in rows for cell in row[1:])
    width = WIDTH - 250
    parts, y = [text(12, 18, title)], 44
    for column, group in enumerate(header[1:], 1):
        parts.append(text(12, y, group, "start", ' font-weight="bold"'))
        y += 8
        for colour, row in zip(colours(row[0] for row in rows), rows):
            value = number(row[column]) or 0
            length = width * value / largest
            parts.append(text(170, y + 13, row[0], "end"))
            parts.append(f'<rect x="176" y="{y + 2}" width="{length:.1f}" height="14" '
                         f'fill="{colour}"/>')
            parts.append(text(182 + length, y + 13, row[column]))
            y += 18
        y += 26
    return svg(y - 14, parts)


def draw(what, table):
    header, _, *rows = [cells(line_of_table) for line_of_table in table.strip().split("\n")]
    kind, *titles = what
    if kind == "bars":
        return plot_bars(header, rows, titles[0])
    return plot_lines(header, rows, titles, kind == "log")


def main():
    page, directory = sys.argv[1:3]
    with open(page, encoding="utf-8") as file:
        found = MARK.findall(file.read())
    for what, _, table in found:
        name, *rest = [word.strip() for word in what.split(",")]
        with open(os.path.join(directory, name), "w", encoding="utf-8") as file:
            file.write(draw(rest, table))
    print(f"drew {len(found)} plots")
    return 0 if found else 1


if __name__ == "__main__":
    sys.exit(main())
