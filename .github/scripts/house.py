"""The house of modules: who may import whom.  python .github/scripts/house.py [--table]

Imports go upwards only: a module imports modules that stand before it in this list. Read from the text of the modules,
functions included, so that no circle hides in one.
"""

import ast
import re
import subprocess
import sys
from pathlib import Path

from tree import ROOT, environ

STOREYS = {
    "The ground: sentences for bad input, missing packages, files, foreign private APIs": [
        "validate",
        "extras",
        "files",
        "compat",
    ],
    "The method, one lesson each": [
        "components",
        "orthogonality",
        "probe",
        "importance",
        "schedule",
        "reserve",
        "scores",
        "optim",
    ],
    "The method as a PEFT tuner, and its training": [
        "card",
        "config",
        "targets",
        "growth",
        "clock",
        "replicas",
        "fused",
        "layer",
        "model",
        "shard",
        "training",
        "doctor",
        "history",
        "trainer",
        "checkpoints",
        "export",
        "grow",
        "plots",
    ],
    "`increlora.glue`: the experiments of the paper (extra `glue`)": [
        "glue.encoders",
        "glue.fetch",
        "glue.squad",
        "glue.tasks",
        "glue.bottleneck",
        "glue.methods",
        "glue.presets",
        "glue.arguments",
        "glue.run_folder",
        "glue.grown",
        "glue.stop",
        "glue.results",
        "glue.run",
        "glue.grow_run",
        "glue.estimate",
        "glue.paired",
        "glue.export_run",
        "glue.table",
        "glue.sweep",
        "glue.evidence",
        "glue.bench",
        "glue.demo",
        "glue.cli",
    ],
    "`increlora.course`: the exercises and what lessons need besides (extra `course`)": [
        "course.lowrank",
        "course.planted",
        "course.growing",
        "course.digits",
        "course.score_study",
        "course.exercises",
        "course.bank",
    ],
}
ORDER = [m for storey in STOREYS.values() for m in storey]
EXTRAS = ["matplotlib", "seaborn", "datasets", "yaml", "pandas", "sklearn", "scipy", "ipywidgets", "IPython", "rich"]
ALONE = f"""
import sys
import peft, torch, transformers
from transformers import Trainer  # what the requirements load for themselves is not ours
before = set(sys.modules)
import increlora
found = sorted({{m.split(".")[0] for m in set(sys.modules) - before}} & set({EXTRAS!r}))
upper = sorted(m for m in sys.modules if m.startswith(("increlora.glue", "increlora.course")))
print(*(f"'import increlora' alone imports {{m}}" for m in found + upper), sep="\\n")
"""


def modules():
    "{name below increlora: its tree} of every module but the packages' own files, the entry point and nbdev's index."
    found = {}
    for path in sorted((ROOT / "increlora").rglob("*.py")):
        name = ".".join(path.relative_to(ROOT / "increlora").with_suffix("").parts)
        if path.name not in ("__init__.py", "__main__.py", "_modidx.py"):
            found[name] = ast.parse(path.read_text(encoding="utf-8"))
    return found


def imported(name, tree, known):
    "(module of ours, line) of every import statement of the module `name`, those inside functions too."
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [n.name for n in node.names]
        elif isinstance(node, ast.ImportFrom):
            above = ["increlora", *name.split(".")][: -node.level] if node.level else []
            module = ".".join(above + ([node.module] if node.module else []))
            names = [f"{module}.{n.name}" for n in node.names] + [module]
        inside = [n.removeprefix("increlora.") for n in names if n.startswith("increlora.")]
        yield from ((n, node.lineno) for n in dict.fromkeys(inside) if n in known)


def upwards(found):
    "One line per import that goes sideways or down."
    for name, tree in found.items():
        for other, line in imported(name, tree, found):
            if name != other and name in ORDER and other in ORDER and ORDER.index(other) >= ORDER.index(name):
                yield f"{name}, line {line}: imports {other}, which stands after it (house.py has the order)"


def listed(found):
    "One line per module that has no place, and per place without a module."
    yield from (f"{name} has no place in house.py" for name in found if name not in ORDER)
    yield from (f"house.py names {name}, which is not there" for name in ORDER if name not in found)


def alone():
    "What `import increlora` loads that it should not; in a process of its own."
    r = subprocess.run([sys.executable, "-c", ALONE], cwd=ROOT, env=environ(), capture_output=True, text=True)
    return [line for line in r.stdout.splitlines() if line] + ([r.stderr[-500:]] if r.returncode else [])


def check():
    "Everything that is wrong with the house."
    found = modules()
    return [*listed(found), *upwards(found), *alone()]


def path(name):
    "The file of a module."
    return ROOT / "increlora" / Path(*name.split(".")).with_suffix(".py")


def source(file):
    "The notebook that a module comes from, below nbs/, without its ending; None for a file written by hand."
    m = re.search(r"File to edit: \.\./(?:\.\./)?nbs/(\S+)\.ipynb", file.read_text(encoding="utf-8")[:2000])
    return m[1] if m else None


def table():
    "The house as markdown: a line per module, with its notebook and what it does; links as from nbs/index.ipynb."
    found, rows = modules(), []
    for storey, names in STOREYS.items():
        rows += [f"**{storey}**", "", "| module | what it does | built in |", "|---|---|---|"]
        for name in names:
            if name not in found or name == "course.bank":
                continue
            says, nb = (ast.get_docstring(found[name]) or "").split("\n")[0], source(path(name))
            home = f"[{nb}]({nb}.ipynb)" if nb else ""
            rows.append(f"| `{name.split('.')[-1]}` | {says.replace('|', chr(92) + '|')} | {home} |")
        rows.append("")
    return "\n".join(rows).rstrip()


def main():
    if "--table" in sys.argv:
        print(table())
        return 0
    bad = check()
    print("\n".join("  " + line for line in bad or [f"{len(ORDER)} modules, imports upwards only"]))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
