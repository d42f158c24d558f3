"""Lint of the stored notebooks: nothing is executed.  python .github/scripts/check_notebooks.py [notebook ...]"""

import ast
import io
import re
import statistics
import sys
import tokenize
from html.parser import HTMLParser
from pathlib import Path

import fold
import leaks
import minutes
import rhythm
from tree import NOT_PAGES, ROOT, directives, is_evidence, is_lesson, lessons, notebooks, read

LONGEST, LONGEST_ENGINE, MEDIAN, WIDEST = 50, 90, 6, 100  # limits; rhythm.py counts what is aimed at
KB = 1000
# much is drawn there, or will be when all runs are in
BUDGETS = {
    "10_first_finetune": 1000 * KB,
    "plots": 400 * KB,
    "errata": 1000 * KB,
    "robustness": 600 * KB,
    "table1": 500 * KB,
}
BUDGET = 300 * KB
MACHINE = re.compile(
    r"(?<![\w.:~-])/(?:home|tmp|root|Users|private|var/folders)/[\w.-]+|\b[A-Z]:\\+(?:Users|Temp|Windows)"
)
BASE64 = re.compile(r"base64,[A-Za-z0-9+/=\s\\n]+")
FLAGS = {"slow", "gpu", "hub"}


def joined(x):
    return "".join(x) if isinstance(x, list) else str(x)


def code_lines(source, strip=True):
    "The non-empty lines of a cell; with `strip`, without its directives."
    return [l for l in source.splitlines() if l.strip() and not (strip and l.startswith("#|"))]


def parsed(source):
    "The statements of a cell, or None if it holds shell lines or magics."
    try:
        return ast.parse(re.sub(r"(?m)^\s*[%!].*$", "", source)).body
    except SyntaxError:
        return None


def prose(cell):
    "The text of a markdown cell without fenced and inline code."
    return re.sub(r"(?s)(`+)(?!`).+?(?<!`)\1(?!`)", "", re.sub(r"(?ms)^(```|~~~).*?^\1", "", cell["source"]))


def texts(cell):
    "Everything textual a reader can see of a cell: its source and its outputs, without encoded pictures."
    yield "source", cell["source"]
    for o in cell.get("outputs", []):
        if "text" in o:
            yield "output", joined(o["text"])
        for kind, data in o.get("data", {}).items():
            if not kind.startswith("image/"):
                yield "output", BASE64.sub("", joined(data))


class Images(HTMLParser):
    "Collects the <img> and <svg> elements that say nothing to a reader who cannot see them."

    def __init__(self, html):
        super().__init__()
        self.silent, self.open_svg = [], False
        self.feed(html)
        self.close()
        if self.open_svg:
            self.silent.append("svg")

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if tag == "img" and not (attrs.get("alt") or "").strip():
            self.silent.append("img")
        if tag == "svg":
            self.open_svg = not (attrs.get("aria-label") or attrs.get("aria-hidden") == "true")
        if tag == "title":
            self.open_svg = False


def outputs_clean(nb, path):
    for i, c in code(nb):
        for o in c["outputs"]:
            if o.get("output_type") == "error":
                yield i, f"stored error output: {o.get('ename')}: {o.get('evalue')}"
            if o.get("name") == "stderr":
                yield i, "stored stderr output (a warning or a progress bar?)"
            if any("widget" in k for k in o.get("data", {})):
                yield i, "stored widget output; draw a static figure, show sliders through course.exercises.controls"


def no_widget_state(nb, path):
    if "widgets" in nb["metadata"]:
        yield None, "metadata.widgets is there; GitHub cannot show such a notebook"


def shows_something(source):
    "Must a cell with this source leave an output: a bare value at the end, or a print or show on its own?"
    body = parsed(source)
    if not body or source.rstrip().endswith(";"):
        return False
    last = body[-1]
    if isinstance(last, ast.Expr) and not isinstance(last.value, (ast.Call, ast.Constant, ast.Await)):
        return True
    calls = [s.value.func for s in body if isinstance(s, ast.Expr) and isinstance(s.value, ast.Call)]
    return any(isinstance(f, ast.Name) and f.id in ("print", "show", "display") for f in calls)


def outputs_stored(nb, path):
    cells = list(code(nb))
    if (is_lesson(path) or is_evidence(path)) and cells and not any(c["outputs"] for _, c in cells):
        yield None, "no stored output at all; run the whole notebook and save it"
    for i, c in cells:
        d = directives(c["source"])
        if not c["outputs"] and d.get("eval", "").lower() != "false" and shows_something(c["source"]):
            flag = " ".join(FLAGS & d.keys())
            yield i, f"shows a value but stores no output{' (flag: ' + flag + ')' if flag else ''}"


def size(nb, path):
    budget, n = BUDGETS.get(Path(path).stem, BUDGET), Path(path).stat().st_size
    if n > budget:
        yield None, f"{n // KB} kB, more than {budget // KB} kB"


def alt_texts(nb, path):
    for i, c in enumerate(nb["cells"]):
        for o in c.get("outputs", []):
            for kind, data in o.get("data", {}).items():
                if kind.startswith("image/"):
                    yield i, f"{kind} output without alt text; use increlora.course.exercises.show(fig, alt=...)"
                if kind == "text/html" and Images(joined(data)).silent:
                    yield i, "a picture in an HTML output has no alt text"
        if c["cell_type"] == "markdown":
            if Images(prose(c)).silent:
                yield i, "<img> or <svg> without alt text"
            if re.search(r"!\[\s*\]\(", prose(c)):
                yield i, "![](...) without alt text"


def outside_classes(source):
    "The lines of a cell, without those of its classes: a class is as long as its one idea."
    body = parsed(source) or []
    inside = sum(n.end_lineno - n.lineno + 1 for n in body if isinstance(n, ast.ClassDef))
    return len(code_lines(source, strip=False)) - inside


def cell_lengths(nb, path):
    if is_never_shown(path):
        return
    longest = LONGEST if is_lesson(path) else LONGEST_ENGINE
    counts = [(i, outside_classes(c["source"])) for i, c in code(nb)]
    yield from ((i, f"{n} lines of code, more than {longest}") for i, n in counts if n > longest)
    lengths = [n for _, c in code(nb) if rhythm.shown(c) and (n := len(code_lines(c["source"])))]
    if is_lesson(path) and lengths and (m := statistics.median(lengths)) > MEDIAN:
        yield None, f"the median shown code cell has {m:g} lines, more than {MEDIAN}"


def is_never_shown(path):
    "Is this notebook one that no reader is shown (the bank)?"
    return Path(path).with_suffix("").as_posix().endswith(NOT_PAGES)


def line_widths(nb, path):
    "What a reader of the book sees of the code fits a page of 1200 pixels."
    for i, c in code(nb):
        wide = [l for l in c["source"].splitlines() if len(l) > WIDEST and not l.startswith("#|")]
        if is_lesson(path) and rhythm.shown(c) and wide:
            yield i, f"a shown line of {len(wide[0])} characters, more than {WIDEST}: {wide[0].strip()[:40]}..."


def hidden_is_folded(nb, path):
    if is_lesson(path) or is_evidence(path):
        for i in fold.unfolded(nb):
            what = "not folded" if fold.to_fold(nb["cells"][i]) else "folded but meant to be seen"
            yield i, f"{what} for every reader; run: python .github/scripts/fold.py {shown_path(path)}"


def shown_path(path):
    "A notebook's path as a reader types it, from the root of the repository."
    path = Path(path).resolve()
    return path.relative_to(ROOT).as_posix() if path.is_relative_to(ROOT) else path.name


def evidence_exports_nothing(nb, path):
    for i, c in code(nb):
        if is_evidence(path) and {"export", "exports", "default_exp"} & directives(c["source"]).keys():
            yield i, "evidence uses the package and is none of it; what others need belongs to the engine room"


def no_machine_paths(nb, path):
    for i, c in enumerate(nb["cells"]):
        for where, text in texts(c):
            if m := MACHINE.search(text):
                yield i, f"a path of one machine in the {where}: {m.group()}"


def opening(nb, path):
    "An H1 and a `>` subtitle in the first cell (elsewhere than in lessons, code may stand before it)."
    cells = [c for c in nb["cells"] if is_lesson(path) or c["cell_type"] == "markdown"]
    lines = [l for l in cells[0]["source"].splitlines() if l.strip()] if cells else []
    if not lines or cells[0]["cell_type"] != "markdown" or not lines[0].startswith("# "):
        yield 0, "the first cell must open with '# Title'"
    elif len(lines) < 2 or not lines[1].startswith("> "):
        yield 0, "the title needs a '> subtitle' under it"


def headings(nb, path):
    before = 0
    for i, c in enumerate(nb["cells"]):
        if c["cell_type"] != "markdown":
            continue
        for m in re.finditer(r"(?m)^(#{1,6}) +(.*)", prose(c)):
            level = len(m.group(1))
            if level > before + 1:
                yield i, f"heading '{m.group(2)}' skips a level (H{before} to H{level})"
            if level == 1 and before:
                yield i, f"a second H1: '{m.group(2)}'"
            before = level


def directives_on_top(nb, path):
    "nbdev ignores a directive below the first line of code; only what is traced to the paper may take two lines."
    for i, c in code(nb):
        try:
            comments = [
                t for t in tokenize.generate_tokens(io.StringIO(c["source"]).readline) if t.type == tokenize.COMMENT
            ]
        except (tokenize.TokenError, SyntaxError):
            continue
        names = [re.split(r"[:\s]", t.string[2:].strip())[0] for t in comments if re.match(r"#\|", t.string)]
        once = [n for n in names if n not in ("implements", "tests")]
        if set(names) - directives(c["source"]).keys() or len(set(once)) < len(once):
            yield i, "a #| directive below the first line of code is ignored (or stands twice)"


def portable_markdown(nb, path):
    for i, c in enumerate(nb["cells"]):
        if c["cell_type"] == "markdown" and re.search(
            r"(?m)^:::|\\\(|\\\[", re.sub(r"(?s)\$\$.*?\$\$|\$[^$\n]*\$", "", prose(c))
        ):
            yield i, r"::: and \( \) read differently from place to place; use > **Note** quotes and $...$"


def code(nb):
    return [(i, c) for i, c in enumerate(nb["cells"]) if c["cell_type"] == "code"]


RULES = [
    outputs_clean,
    no_widget_state,
    outputs_stored,
    size,
    alt_texts,
    cell_lengths,
    line_widths,
    hidden_is_folded,
    evidence_exports_nothing,
    no_machine_paths,
    opening,
    headings,
    directives_on_top,
    portable_markdown,
]


def problems(path):
    "One line per broken rule of one notebook."
    nb = read(path)
    return [
        f"{Path(path).name}{'' if i is None else f', cell {i}'}: {text}" for rule in RULES for i, text in rule(nb, path)
    ]


def answers(paths):
    "No notebook gives away what the bank holds; the search is tried on made-up leaks first (leaks.py)."
    yield from leaks.self_check()
    try:
        held = leaks.bank()
    except RuntimeError as error:
        yield f"the bank cannot be built: {error}"
        return
    books = leaks.readable(paths)
    for name, nb in books.items():
        leaking = leaks.in_notebook(nb, held, leaks.is_lesson_name(name))
        yield from (f"{name}.ipynb, cell {i}: {sentence}" for i, sentence in leaking)
    if set(notebooks()) <= set(paths):
        yield from leaks.unused(held, books)


def heads(paths):
    "Minutes and heads of the lessons are those of lessons.yaml (minutes.py)."
    return minutes.stale() if set(lessons()) <= set(paths) else ()


TOGETHER = [answers, heads]  # rules that look at the book as a whole


def main(paths=None):
    paths = [Path(p).resolve() for p in paths or []] or notebooks()
    found = [p for path in paths for p in problems(path)] + [p for rule in TOGETHER for p in rule(paths)]
    for p in found:
        print("  " + p)
    print(f"  {len(paths)} notebooks, {len(RULES) + len(TOGETHER)} rules, {len(found)} problems")
    if not paths:
        print("  there are no notebooks in nbs/")
    return 1 if found or not paths else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
