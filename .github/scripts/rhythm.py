"""The rhythm of the book, counted: how long cells are, what follows what, how far an exercise stands from its idea.

python .github/scripts/rhythm.py              the lessons of the working tree
python .github/scripts/rhythm.py --git REV    the same of an older commit, to stand beside it

Columns
  cells     cells of the notebook; `words` are those of its prose, `code` its non-empty lines without directives
  p50, p90  non-empty lines of a shown code cell
  >100 >120 shown lines of code that are longer, in %
  out       shown code cells that show something, in %
  next      exported cells followed at once by prose, a result or a shown test, in %
  idea      cells between an exercise and the heading of its idea, the largest of the notebook
  minutes   to read / for the exercises
"""

import argparse
import json
import re
import sys
from pathlib import Path

from tree import ROOT, directives, notebooks, read, run

FOLDED = {"hide", "default_exp", "exec_doc", "exporti"}
WORDS_A_MINUTE, LINES_A_MINUTE = 200, 20
# headings under which no new idea begins
NO_IDEA = re.compile(r"exercis|your turn|break it|recap|what we have|released|next question", re.I)
TESTS = re.compile(r"(?m)^\s*(assert\b|test_\w+\(|with expect_fail|test_fail\()")


def shown(cell):
    "Does a reader see this code cell unfolded?"
    if cell["cell_type"] != "code" or cell.get("metadata", {}).get("jupyter", {}).get("source_hidden"):
        return False
    return not FOLDED & directives(cell["source"]).keys()


def lines(cell):
    "The non-empty lines of a code cell, without its directives."
    return [l for l in cell["source"].splitlines() if l.strip() and not l.startswith("#|")]


def prose(cell):
    "The text of a markdown cell, without fenced code."
    return re.sub(r"(?ms)^(```|~~~).*?^\1", "", cell["source"])


def words(cells):
    "Words of prose; a formula counts as what it is made of, for it is not read faster."
    return sum(len(prose(c).split()) for c in cells if c["cell_type"] == "markdown")


def percentile(values, share):
    "The smallest value that `share` of all values do not exceed."
    ordered = sorted(values)
    return ordered[max(0, -(-len(ordered) * share // 100) - 1)] if ordered else 0


def followed(cells, i):
    "Is exported cell `i` followed at once: a result of its own, prose, or a shown cell that tests or shows something?"
    if cells[i].get("outputs"):
        return True
    after = cells[i + 1] if i + 1 < len(cells) else None
    if after is None or after["cell_type"] == "markdown":
        return after is not None
    if not shown(after) or {"export", "exports"} & directives(after["source"]).keys():
        return False
    return bool(after.get("outputs") or TESTS.search(after["source"]))


def boxes(cells):
    "(cell, id) of each exercise: where its box is shown."
    for i, c in enumerate(cells):
        if c["cell_type"] == "code":
            found = re.match(r'(?s)\s*(?:#\|.*?\n|\w+ = )*exercise\("([\w.]+)"\)\s*$', c["source"])
            old = re.search(r'(?s)=\s*Exercise\(.*?id="ex-([^"]+)"', c["source"])
            if found or old:
                yield i, (found or old).group(1)


def distances(cells):
    "For each exercise, the cells between its box and the nearest heading above under which an idea begins."
    for i, _ in boxes(cells):
        heads = [
            k
            for k, c in enumerate(cells[:i])
            if c["cell_type"] == "markdown"
            and any(not NO_IDEA.search(h) for h in re.findall(r"(?m)^#{2,3} +(.*)", prose(c)))
        ]
        yield i - heads[-1] if heads else i


def reading_minutes(nb):
    "Minutes to read a notebook: its prose, and the code that is shown."
    code = sum(len(lines(c)) for c in nb["cells"] if shown(c))
    return words(nb["cells"]) / WORDS_A_MINUTE + code / LINES_A_MINUTE


def old_minutes(nb):
    "Minutes that the exercises defined in the notebook itself ask for (the layout before the bank)."
    made = [c["source"] for c in nb["cells"] if c["cell_type"] == "code" and "Exercise(" in c["source"]]
    return sum(int(m) for m in re.findall(r"\bminutes=(\d+),", "\n".join(made)))


class Count:
    "What is counted of one notebook, or, added up, of several."

    def __init__(self, cells=(), read=0.0, exercise=0):
        cells = list(cells)
        code = [c for c in cells if c["cell_type"] == "code"]
        seen = [c for c in code if shown(c) and lines(c)]
        exported = [i for i, c in enumerate(cells) if c["cell_type"] == "code" and is_exported(c)]
        self.cells, self.words, self.read, self.exercise = len(cells), words(cells), read, exercise
        self.code = sum(len(lines(c)) for c in code)
        self.lengths = [len(lines(c)) for c in seen]
        self.widths = [len(l) for c in seen for l in lines(c)]
        self.out = [bool(c.get("outputs")) for c in seen]
        self.next = [followed(cells, i) for i in exported]
        self.idea = list(distances(cells))

    def __add__(self, other):
        both = Count()
        for name, value in vars(self).items():
            setattr(both, name, value + getattr(other, name))
        return both

    def row(self):
        def share(flags):
            return f"{100 * sum(flags) / len(flags):.0f}" if flags else "-"

        def wide(limit):
            return f"{100 * sum(w > limit for w in self.widths) / max(1, len(self.widths)):.1f}"

        p50, p90 = percentile(self.lengths, 50), percentile(self.lengths, 90)
        return [
            self.cells,
            self.words,
            self.code,
            p50,
            p90,
            wide(100),
            wide(120),
            share(self.out),
            share(self.next),
        ] + [max(self.idea, default="-"), f"{self.read:.0f}/{self.exercise}"]


HEAD = ["cells", "words", "code", "p50", "p90", ">100", ">120", "out", "next", "idea", "minutes"]


def is_exported(cell):
    "An exported cell that a reader sees and that defines something; imports alone call for no result."
    d = directives(cell["source"]).keys()
    body = [l for l in lines(cell) if not re.match(r"(from|import)\b|[\s)\"]|#", l)]
    return bool({"export", "exports"} & d) and "hide" not in d and bool(body)


def counted(nb, minutes=None):
    return Count(nb["cells"], reading_minutes(nb), old_minutes(nb) if minutes is None else minutes)


def bank_minutes():
    "{lesson number: minutes of its exercises}, from the bank's notebook as it stands."
    found = {}
    bank = ROOT / "nbs" / "engine" / "bank.ipynb"
    for c in read(bank)["cells"] if bank.exists() else []:
        ids = re.findall(r'(?m)^@entry\("(\d+)\.\d+"\)', c["source"])
        asked = re.findall(r"(?m)^\s+minutes=(\d+),", c["source"])
        for lesson, n in zip(ids, asked):
            found[int(lesson)] = found.get(int(lesson), 0) + int(n)
    return found


def revision(rev):
    "{name: notebook} of a commit, in reading order."
    found = {}
    for name in run("git", "ls-tree", "-r", "--name-only", rev, "nbs").stdout.split("\n"):
        if name.endswith(".ipynb"):
            nb = json.loads(run("git", "show", f"{rev}:{name}").stdout)
            for c in nb["cells"]:
                c["source"] = "".join(c["source"])
            found[name[len("nbs/") : -len(".ipynb")]] = nb
    return found


def working_tree():
    return {nb.relative_to(ROOT / "nbs").with_suffix("").as_posix(): read(nb) for nb in notebooks()}


def table(found, minutes=None):
    "The rows: each lesson, all lessons together, all notebooks together."
    lessons = {n: nb for n, nb in found.items() if re.match(r"\d\d_", n)}
    counts = {}
    for name, nb in lessons.items():
        bank = (minutes or {}).get(int(name[:2]), 0)
        counts[name] = counted(nb, bank + old_minutes(nb))
    rows = [[name, *c.row()] for name, c in counts.items()]
    rows.append([f"the {len(lessons)} lessons", *sum(counts.values(), Count()).row()])
    rest = sum((counted(nb) for n, nb in found.items() if n not in lessons), sum(counts.values(), Count()))
    rows.append([f"all {len(found)} notebooks", *rest.row()])
    return [["", *HEAD], *rows]


def written(rows):
    "The table as text with columns under each other."
    cells = [[str(x) for x in row] for row in rows]
    wide = [max(len(row[k]) for row in cells) for k in range(len(cells[0]))]
    return "\n".join("  ".join([row[0].ljust(wide[0]), *map(str.rjust, row[1:], wide[1:])]) for row in cells)


def main():
    p = argparse.ArgumentParser(description="The rhythm of the book, counted.", epilog=__doc__.partition("Columns")[2])
    p.formatter_class = argparse.RawDescriptionHelpFormatter
    p.add_argument("--git", metavar="REV", help="count the notebooks of this commit instead")
    p.add_argument("notebooks", nargs="*", type=Path, help="only these notebooks of the working tree")
    a = p.parse_args()
    found, minutes = (revision(a.git), {}) if a.git else (working_tree(), bank_minutes())
    if a.notebooks:
        chosen = {n.with_suffix("").name for n in a.notebooks}
        found = {n: nb for n, nb in found.items() if n.rpartition("/")[2] in chosen}
    if not found:
        sys.exit("error: no notebook found")
    print(written(table(found, minutes)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
