"""No answer before it is asked for: looks for the bank's solutions, answers and explanations where a reader would see.

python .github/scripts/leaks.py                  all notebooks, sources and stored outputs
python .github/scripts/leaks.py _docs/*.html     built pages

The bank (nbs/engine/bank.ipynb) is the only place for them; the engine room also shows the package's own code. Lines of
code are compared without their layout, texts without their markup; what an exercise's task or hints say is no secret.
"""

import ast
import functools
import html
import json
import math
import re
import sys
import textwrap
from pathlib import Path

from tree import NOT_PAGES, ROOT, directives, notebooks, read, run

SHORTEST_LINE, SHORTEST_TEXT = 20, 15  # characters without blanks; anything shorter stands in every lesson
DUMP = """
import json
from increlora.course import bank, exercises as e
def outcome(x):
    found = e._fingerprint(x, e._define(x.solution, x.name, x.names))
    return repr(found[0]) if len(found) == 1 else ""
print(json.dumps({
    "exercises": {id: {"solution": x.solution, "shown": [x.task, *x.hints], "outcome": outcome(x)}
                  for id in e._EXERCISES for x in [e.exercise(id)]},
    "quizzes": {id: {"why": q.why, "shown": [q.question, *q.options], "right": q._right}
                for id in e._QUIZZES for q in [e.quiz(id)]},
}))
"""
DEFINES = re.compile(r"(?m)^\s*@(?:entry|question)\(|(?<![.\w])(?:Exercise|Quiz|predict)\(")
PASSED = re.compile(r"ex-[\w.]+ · correct|(?m:^\W*Right\.)")


@functools.cache
def bank():
    "What the bank holds, built by its own module in a process of its own; RuntimeError if it cannot be built."
    r = run(sys.executable, "-c", DUMP)
    if r.returncode:
        raise RuntimeError((r.stderr.strip().splitlines() or ["no reason given"])[-1])
    return json.loads(r.stdout.strip().splitlines()[-1])


def squeezed(text):
    "Code or prose without layout: no blanks, quotes, backticks, asterisks or LaTeX dollars."
    return re.sub(r"[\s\"'`*$\\]+", "", text)


def layout_free(source):
    "The source of a code cell as Python itself would write it, squeezed; '' where it cannot be parsed."
    try:
        return squeezed(ast.unparse(ast.parse(re.sub(r"(?m)^\s*[%!].*$", "", source))))
    except (SyntaxError, ValueError):
        return ""


def solution_lines(solution):
    "The lines of a solution that give it away, squeezed: its statements, a returned value without the `return`."
    tree, found = ast.parse(textwrap.dedent(solution).strip()), []
    inner = [n for n in ast.walk(tree) if isinstance(n, (ast.FunctionDef, ast.ClassDef))]
    for statement in (s for n in inner for s in ast.walk(n) if isinstance(s, ast.stmt) and s is not n):
        if isinstance(statement, (ast.Import, ast.ImportFrom, ast.FunctionDef, ast.ClassDef)):
            continue
        core = statement.value if isinstance(statement, ast.Return) and statement.value else statement
        head = ast.unparse(core).partition("\n")[0]  # of a compound statement only its first line
        if "manual_seed" not in head and not isinstance(getattr(core, "value", None), ast.Constant):
            found.append(squeezed(head))
    return list(dict.fromkeys(line for line in found if len(line) >= SHORTEST_LINE))


def secrets(held):
    "[(what it is, its squeezed text)] of everything in the bank that no reader should meet."
    found = []
    for kind, shelf in held.items():
        for id, item in shelf.items():
            known = squeezed(" ".join(item["shown"]))
            texts = solution_lines(item["solution"]) if kind == "exercises" else map(squeezed, item["why"])
            name = f"a line of the solution of exercise {id}" if kind == "exercises" else f"an explanation of quiz {id}"
            found += [(name, t) for t in texts if len(t) >= SHORTEST_TEXT and t not in known]
    return found


@functools.cache
def package():
    "The squeezed source of the package, without the bank: what it says is no secret in the engine room."
    modules = [p for p in sorted((ROOT / "increlora").rglob("*.py")) if p.name != "bank.py"]
    return "\n".join(t for p in modules for t in both(p.read_text(encoding="utf-8")))


def both(source):
    "A source, squeezed as it stands and free of its layout."
    return squeezed(source), layout_free(source)


def in_engine_room(hidden):
    "The secrets that are kept outside the book, where the package's own code is shown."
    return [(name, secret) for name, secret in hidden if secret not in package()]


def in_text(text, hidden):
    "The names of the secrets in a text."
    text = squeezed(text)
    return list(dict.fromkeys(name for name, secret in hidden if secret in text))


def in_page(page, hidden):
    "The names of the secrets in an HTML page."
    return in_text(html.unescape(re.sub(r"<[^>]*>", "", page)), hidden)


def stored(cell):
    "What the outputs of a cell say, as text; pictures are left out."
    for o in cell.get("outputs", []):
        yield "".join(o.get("text", []))
        for kind, data in o.get("data", {}).items():
            if kind.startswith("text/"):
                text = "".join(data)
                yield html.unescape(re.sub(r"<[^>]*>", "", text)) if kind == "text/html" else text


def given_away(source, held):
    "What the code of a cell does that only a learner should do: (sentence) for each."
    try:
        calls = [
            n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.Call) and isinstance(n.func, ast.Attribute)
        ]
    except SyntaxError:
        return
    for call in calls:
        on = call.func.value
        id = on.args[0].value if isinstance(on, ast.Call) and on.args and isinstance(on.args[0], ast.Constant) else None
        if getattr(getattr(on, "func", None), "id", "") not in ("exercise", "quiz"):
            continue
        if call.func.attr == "reveal":
            yield f"reveals the solution of exercise {id}"
        if not call.args:
            continue
        try:
            value = ast.literal_eval(call.args[0])
        except ValueError:
            continue
        if call.func.attr == "answer" and value is not ...:
            yield f"answers quiz {id}; leave its dots to the learner"
        if call.func.attr == "check" and value is not ... and same(value, held["exercises"].get(id, {}).get("outcome")):
            yield f"answers exercise {id}; leave its dots to the learner"


def same(value, outcome):
    "Is a literal the outcome (written out) of an exercise?"
    try:
        want = ast.literal_eval(outcome)
    except (ValueError, SyntaxError, TypeError):
        return False
    if isinstance(want, float) and isinstance(value, (int, float)):
        return math.isclose(value, want, rel_tol=1e-3)
    return value == want


def in_notebook(nb, held, lesson=True):
    "(cell, sentence) for each answer that stands in a notebook, in its source or its stored outputs."
    hidden = secrets(held) if lesson else in_engine_room(secrets(held))
    for i, c in enumerate(nb["cells"]):
        places = {"source": [c["source"]], "stored output": list(stored(c))}
        if c["cell_type"] == "code":
            places["source"].append(layout_free(c["source"]))
            if DEFINES.search(c["source"]) and "default_exp" not in directives(c["source"]):
                yield (
                    i,
                    "defines an exercise or a quiz; its place is engine/bank, here stands exercise(...) or quiz(...)",
                )
            if lesson or "hide" not in directives(c["source"]):  # the engine room may test an answer out of sight
                yield from ((i, sentence) for sentence in given_away(c["source"], held))
        for where, texts in places.items():
            yield from ((i, f"{name} stands in the {where}") for name in in_text("\n".join(texts), hidden))
        if any(PASSED.search(t) for t in places["stored output"]):
            yield i, "the stored output says that an answer is right"
        if c["cell_type"] == "markdown":
            for id, letter in re.findall(r'quiz\("([\w.]+)"\)\.answer\("(\w)"\)', c["source"]):
                if letter == held["quizzes"].get(id, {}).get("right"):
                    yield i, f"the text answers quiz {id}"


def used(nb):
    "The (kind, id) that a notebook speaks of, and those of which it shows the box."
    text = "\n".join(c["source"] for c in nb["cells"] if c["cell_type"] == "code")
    found = re.findall(r'\b(exercise|quiz)\("([^"]+)"\)(\.?)', text)
    return {(kind, id) for kind, id, _ in found}, {(kind, id) for kind, id, dot in found if not dot}


def is_lesson_name(name):
    return bool(re.match(r"\d\d_", name))


def prefix(name):
    "What the numbers of a notebook's exercises begin with: '3' in 03_importance, its name in the engine room."
    return str(int(name[:2])) if is_lesson_name(name) else name


def unused(held, books):
    "Sentences: what a notebook shows that the bank has not (or under another name), and what no notebook shows."
    shown = set()
    for name, nb in books.items():
        named, boxes = used(nb)
        shown |= boxes
        for kind, id in sorted(named):
            if id not in held["exercises" if kind == "exercise" else "quizzes"]:
                yield f"{name}: {kind} {id} is not in the bank"
            elif (kind, id) in boxes and id.partition(".")[0] != prefix(name):
                yield f"{name}: {kind} {id} has the number of another notebook"
    for kind, shelf in (("exercise", "exercises"), ("quiz", "quizzes")):
        yield from (f"bank: no notebook shows {kind} {id}" for id in held[shelf] if (kind, id) not in shown)


# a bank and a lesson made up to be found out: the rules are tried before they are trusted
SPECIMEN = {
    "exercises": {
        "1.1": {
            "solution": "def decay(old, new, beta):\n    return beta * old + (1 - beta) * new * 1.0",
            "shown": ["Average two values."],
            "outcome": "",
        },
        "1.2": {"solution": "def count(): return 9", "shown": ["How many?"], "outcome": "9"},
    },
    "quizzes": {"1.1": {"why": ["Because the second one is frozen.", "No."], "shown": ["Which?"], "right": "a"}},
}


def cell(source, kind="code", text="", page=""):
    data = {"data": {"text/html": page}} if page else {"text": text}
    return {"cell_type": kind, "source": source, "outputs": [data] if text or page else []}


LEAKS = [
    cell("mean = beta*old + (1-beta)*new*1.0"),
    cell("def f(a):\n    return (beta * old\n            + (1 - beta) * new * 1.0)"),
    cell("So: `beta * old + (1 - beta) * new * 1.0`.", "markdown"),
    cell("x", text="return beta * old + (1 - beta) * new * 1.0"),
    cell("x", page="<b>beta</b> * old + (1 - beta) * <i>new</i> * 1.0"),
    cell("Because the second one\nis *frozen*.", "markdown"),
    cell('quiz("1.1")', page="<p>Because the second one is frozen.</p>"),
    cell('quiz("1.1").answer("b")'),
    cell('Try `quiz("1.1").answer("a")`.', "markdown"),
    cell('exercise("1.1").reveal()'),
    cell('exercise("1.2").check(9)'),
    cell("exercise('1.1').check(mine)", text="ex-1.1 · correct"),
    cell('quiz("1.1").answer(mine)', text="Right. Of course."),
    cell('Exercise(id="ex-1.1")'),
    cell('predict("Which?", ["this"], answer="a", why=["so"])'),
    cell('@question("1.1")\ndef _(): ...'),
]
CLEAN = [
    cell('exercise("1.1")', page="<p>Average two values.</p>"),
    cell('exercise("1.1").check(decay)', text="ex-1.1 · to do"),
    cell('exercise("1.2").check(...)\nquiz("1.1").answer(...)', text="to do"),
    cell('exercise("1.2").check(8)', text="ex-1.2 · not yet"),
    cell('Answer with `quiz("1.1").answer("b")`. No.', "markdown"),
    cell("from increlora.course.exercises import Exercise, exercise, quiz"),
]


def self_check():
    "Sentences about every rule above that is blind, or that sees what is not there."
    for c in LEAKS:
        if not list(in_notebook({"cells": [c]}, SPECIMEN)):
            yield f"a made-up leak is not found: {c['source']!r}"
    for c in CLEAN:
        yield from (f"a clean cell is accused: {c['source']!r}: {s}" for _, s in in_notebook({"cells": [c]}, SPECIMEN))
    hidden = secrets(SPECIMEN)
    if len(in_page("<span>Because</span> the second <em>one is frozen.</em> beta*old+(1-beta)*new*1.0", hidden)) != 2:
        yield "a made-up leak in a page is not found"
    if in_page("<p>Average two values.</p>", hidden):
        yield "a clean page is accused"
    book = {"01_x": {"cells": [cell('exercise("1.1")\nquiz("2.1")')]}, "other": {"cells": [cell('exercise("1.1")')]}}
    if len(list(unused(SPECIMEN, book))) != 4:
        yield "an entry that is missing, misplaced or unused is not found"


def pages(paths):
    "Sentences about the secrets in built pages, and about pages that should not be there at all."
    hidden, outside = secrets(bank()), in_engine_room(secrets(bank()))
    for path in map(Path, paths):
        if any(path.as_posix().endswith(f"{name}.html") for name in NOT_PAGES) or path.name == "bank.html":
            yield f"{path.name}: this page must not be built"
        text, lesson = path.read_text(encoding="utf-8"), re.match(r"\d\d_|index", path.name)
        yield from (f"{path.name}: {name}" for name in in_page(text, hidden if lesson else outside))


def readable(paths=None):
    "{name: notebook} of all that a reader may meet: not the bank, nor the tool room, which shows how an entry is made."
    hidden = (*NOT_PAGES, "engine/exercises")
    return {p.stem: read(p) for p in paths or notebooks() if not p.with_suffix("").as_posix().endswith(hidden)}


def book():
    "Sentences about the notebooks of the working tree."
    books = readable()
    for name, nb in books.items():
        found = in_notebook(nb, bank(), is_lesson_name(name))
        yield from (f"{name}.ipynb, cell {i}: {sentence}" for i, sentence in found)
    yield from unused(bank(), books)


def main(paths=None):
    try:
        held = bank()
    except RuntimeError as error:
        sys.exit(f"error: the bank cannot be built: {error}")
    found = [*self_check(), *(pages(paths) if paths else book())]
    for line in found:
        print("  " + line)
    seen = f"{len(paths)} pages" if paths else f"{len(readable())} notebooks"
    print(f"  {len(secrets(held))} secrets, {seen}, {len(found)} leaks")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
