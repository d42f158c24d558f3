"""Traceability: every entry of nbs/paper_map.yaml is implemented and tested in a notebook, or says why not.

An entry has an `id`, a sentence `says` and, if it is left out on purpose, `not_here: reason`. `evidence` lists where it
is examined: `evidence/errata#The-heading`, a notebook below nbs/ and, if one is named, a heading of it. Cells name
entries in their first lines:
`#| implements: eq-5` and `#| tests: eq-5` (several ids with spaces between them).
"""

import re
import sys
from collections import defaultdict

from docs import anchor
from tree import ROOT, directives, notebooks, read

MAP = ROOT / "nbs" / "paper_map.yaml"
TAGS = "implements", "tests"


def entries(path=MAP):
    "The entries of the map, in its order."
    import yaml

    data = yaml.safe_load(path.read_text(encoding="utf-8"))
    return data["items"] if isinstance(data, dict) else data


def tagged(paths):
    "{tag: {id: [notebook stems]}} of all code cells."
    found = {t: defaultdict(list) for t in TAGS}
    for path in paths:
        for c in read(path)["cells"]:
            if c["cell_type"] != "code":
                continue
            d = directives(c["source"])
            for tag in TAGS:
                for id in d.get(tag, "").replace(",", " ").split():
                    if path.stem not in found[tag][id]:
                        found[tag][id].append(path.stem)
    return found


def missing(place):
    "What is wrong with a place where an entry is examined; empty if it is there."
    name, _, section = place.partition("#")
    path = ROOT / "nbs" / f"{name}.ipynb"
    if not path.exists():
        return f"nbs/{name}.ipynb is not there"
    text = "\n".join(c["source"] for c in read(path)["cells"] if c["cell_type"] == "markdown")
    heads = {anchor(h) for h in re.findall(r"(?m)^#{1,6} +(.*)", text)}
    return "" if not section or section in heads else f"{name} has no heading {section}"


def check(items, found):
    "One line per problem."
    ids = [e["id"] for e in items]
    yield from (f"{id} stands twice in the map" for id in sorted({i for i in ids if ids.count(i) > 1}))
    yield from (f"{e['id']} has no sentence 'says'" for e in items if not str(e.get("says") or "").strip())
    for e in items:
        here = [t for t in TAGS if e["id"] in found[t]]
        if "not_here" in e:
            if not str(e["not_here"] or "").strip():
                yield f"{e['id']}: not_here needs a reason"
            if here:
                yield f"{e['id']} is marked not_here, but a cell says '{here[0]}: {e['id']}'"
        else:
            yield from (f"{e['id']}: no cell says '#| {t}: {e['id']}'" for t in TAGS if t not in here)
    for e in items:
        yield from (f"{e['id']}: {problem}" for place in e.get("evidence", []) if (problem := missing(place)))
    for tag in TAGS:
        yield from (
            f"{', '.join(nbs)}: '#| {tag}: {id}' is not in the map" for id, nbs in found[tag].items() if id not in ids
        )


def table(items, found):
    "id, where it is implemented, where it is tested."

    def number(tag, id):
        return " ".join(re.sub(r"^(\d\d)_.*", r"\1", n) for n in found[tag].get(id, [])) or "-"

    rows = [("id", "implemented in", "tested in")]
    rows += [
        (e["id"], "not here: " + str(e["not_here"]), "")
        if "not_here" in e
        else (e["id"], number("implements", e["id"]), number("tests", e["id"]))
        for e in items
    ]
    wide = [max(len(r[k]) for r in rows if k == 0 or not r[1].startswith("not here")) for k in (0, 1)]
    return [f"  {a:<{wide[0]}}  {b:<{wide[1]}}  {c}".rstrip() for a, b, c in rows]


def main():
    if not MAP.exists():
        print("  skipped: nbs/paper_map.yaml is not there yet")
        return 0
    items, found = entries(), tagged(notebooks())
    print("\n".join(table(items, found)))
    bad = list(check(items, found))
    for b in bad:
        print("  " + b)
    out = sum("not_here" in e for e in items)
    print(f"  {len(items)} entries, {len(items) - out} to be shown, {out} left out with a reason, {len(bad)} problems")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
