"""Minutes and questions of the lessons: one place (nbs/lessons.yaml), written into their heads and the first page.

python .github/scripts/minutes.py             count reading and exercises anew, write lessons.yaml and the heads
python .github/scripts/minutes.py --check     only say what is stale
python .github/scripts/minutes.py --table     the table of lessons as markdown
python .github/scripts/minutes.py --measure   run every lesson first and take its minutes
"""

import argparse
import json
import math
import re
import sys
import time

import rhythm
from tree import BIN, ROOT, lessons, read, run

PLACE = ROOT / "nbs" / "lessons.yaml"
HEADER = re.compile(r"(?m)^\*\d+ minutes? to read.*\*\n?")
BY_HAND = re.compile(r"\bminutes? to (?:read|run)|\b[Rr]eading(?: takes|:)|\b\d+ minutes\b")
KEYS = ("question", "needs", "run", "read", "exercise")


def entries():
    "{lesson: its entry} of lessons.yaml."
    import yaml

    return {e["lesson"]: e for e in yaml.safe_load(PLACE.read_text(encoding="utf-8"))}


def save(found):
    "Write the numbers of the entries back; every other line of the file stays as it is."
    lines, lesson = [], None
    for line in PLACE.read_text(encoding="utf-8").splitlines():
        if m := re.match(r"- lesson: (\S+)", line):
            lesson = m.group(1)
        if m := re.match(r"  (run|read|exercise): ", line):
            line = f"  {m.group(1)}: {found[lesson][m.group(1)]}"
        lines.append(line)
    PLACE.write_text("\n".join(lines) + "\n", encoding="utf-8")


def minutes(n, what):
    return f"{n} minute{'' if n == 1 else 's'} {what}"


def header(entry):
    "The line under a lesson's title."
    parts = [minutes(entry["read"], "to read"), f"{entry['run']} to run" if entry["run"] else "seconds to run"]
    if entry["exercise"]:
        parts.append(f"{entry['exercise']} for the exercises")
    return f"*{', '.join(parts)} · a laptop suffices · needs {entry['needs']}*"


def with_header(source, line):
    "The source of a lesson's first cell with `line` under its title and subtitle, in the place of an older one."
    head, mark, rest = HEADER.sub("", source).partition("\n> ")
    sentence, _, rest = rest.partition("\n")
    return f"{head}{mark}{sentence}\n\n{line}\n\n{rest.strip()}\n".rstrip() + ("\n" if source.endswith("\n") else "")


def counted(path, bank):
    "(minutes to read, minutes for the exercises) of a lesson, as it stands."
    return max(1, round(rhythm.reading_minutes(read(path)))), bank.get(int(path.stem[:2]), 0)


def is_stale(stored, now):
    "Are stored reading minutes off by more than a reader would notice?"
    return abs(stored - now) > max(2, 0.2 * now)


def table(found=None):
    "The lessons as a markdown table: link, question, minutes; links as from nbs/index.ipynb."
    rows = ["| | Lesson | Question | Read · run · exercises (minutes) |", "|---|---|---|---|"]
    for path in lessons():
        e = (found or entries())[path.stem]
        title = read(path)["cells"][0]["source"].splitlines()[0].lstrip("# ")
        cost = " · ".join(str(e[k]) if e[k] else {"run": "<1"}.get(k, "–") for k in ("read", "run", "exercise"))
        rows.append(f"| {path.stem[:2]} | [{title}]({path.name}) | {e['question']} | {cost} |")
    return "\n".join(rows)


def stale():
    "Sentences about entries without a lesson, counts that have moved, heads that differ."
    found, bank, paths = entries(), rhythm.bank_minutes(), {p.stem: p for p in lessons()}
    yield from (f"{PLACE.name}: there is no lesson {name}" for name in found if name not in paths)
    for name, path in paths.items():
        if name not in found:
            yield f"{PLACE.name}: lesson {name} is missing"
            continue
        if lost := [k for k in KEYS if k not in found[name]]:
            yield f"{PLACE.name}: {name} has no {', '.join(lost)}"
            continue
        (now, exercise), first = counted(path, bank), read(path)["cells"][0]["source"]
        if is_stale(found[name]["read"], now) or found[name]["exercise"] != exercise:
            was = f"{found[name]['read']} minutes to read and {found[name]['exercise']} for exercises"
            yield f"{PLACE.name}: {name} has {was}, counted are {now} and {exercise}; run .github/scripts/minutes.py"
        elif HEADER.findall(first) != [header(found[name]) + "\n"]:
            yield f"{name}.ipynb, cell 0: the line with the minutes is stale; run .github/scripts/minutes.py"
        if m := BY_HAND.search(HEADER.sub("", first)):
            yield f"{name}.ipynb, cell 0: minutes written by hand ({m.group()!r}); lessons.yaml has them"


def measured(path):
    "Minutes that a test run of a lesson takes; 0 for less than one."
    start = time.time()
    r = run(BIN / "nbdev_test", "--path", path, "--n_workers", "0")
    if r.returncode:
        sys.exit(f"error: {path.name} fails: {(r.stdout + r.stderr)[-500:]}")
    seconds = time.time() - start
    return math.ceil(seconds / 60) if seconds > 40 else 0


def renewed(measure=False):
    "The entries with what can be counted counted anew."
    found, bank = entries(), rhythm.bank_minutes()
    for path in lessons():
        e = found[path.stem]
        now, e["exercise"] = counted(path, bank)
        if is_stale(e["read"], now):
            e["read"] = now
        if measure:
            e["run"] = measured(path)
            print(f"  {path.name}: {e['run']} to run", flush=True)
    return found


def write_headers(found):
    for path in lessons():
        nb = json.loads(path.read_text(encoding="utf-8"))
        source = "".join(nb["cells"][0]["source"])
        new = with_header(source, header(found[path.stem]))
        if new != source:
            nb["cells"][0]["source"] = new.splitlines(keepends=True)
            path.write_text(json.dumps(nb, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            print(f"  {path.name}: {header(found[path.stem])}")


def main():
    p = argparse.ArgumentParser(description="Minutes and questions of the lessons, from nbs/lessons.yaml.")
    p.add_argument("--check", action="store_true", help="change nothing, say what is stale")
    p.add_argument("--table", action="store_true", help="print the table of lessons as markdown")
    p.add_argument("--measure", action="store_true", help="run every lesson and take its minutes")
    a = p.parse_args()
    if a.table:
        print(table())
        return 0
    if a.check:
        found = list(stale())
        print("\n".join(["  " + line for line in found] + [f"  {len(lessons())} lessons, {len(found)} stale"]))
        return 1 if found else 0
    found = renewed(a.measure)
    save(found)
    write_headers(found)
    return 0


if __name__ == "__main__":
    sys.exit(main())
