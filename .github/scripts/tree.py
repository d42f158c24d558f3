"What the checks share: the repository's files, copies of them, commands, and notebooks."

import json
import os
import re
import shutil
import subprocess
import sys
from configparser import ConfigParser
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BIN = Path(sys.executable).parent
NOT_PAGES = ("engine/bank",)  # the solutions and answers: never built as a page (leaks.py looks for them on the others)
FRESH = ("GIT_", "PYTHONPATH", "PYTHONHOME", "JUPYTER_PATH")  # a hook or a shell may have set these for another tree


def environ(**extra):
    "The environment of every check: one thread, no network access by the Hugging Face libraries."
    env = {k: v for k, v in os.environ.items() if not k.startswith(FRESH)}
    env.update(
        OMP_NUM_THREADS="1",
        HF_HUB_OFFLINE="1",
        HF_DATASETS_OFFLINE="1",
        CI="1",
        TOKENIZERS_PARALLELISM="false",
        PYTHONIOENCODING="utf-8",
    )
    return {**env, "PATH": f"{BIN}{os.pathsep}{env['PATH']}", **extra}


def run(*cmd, cwd=ROOT, **env):
    "Run `cmd` quietly; returns the finished process with its text."
    return subprocess.run(
        [str(c) for c in cmd],
        cwd=cwd,
        env=environ(**env),
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
    )


def files():
    "Every file a commit of the working tree would hold, relative to the root."
    r = run("git", "ls-files", "-co", "--exclude-standard", "-z")
    if r.returncode:
        sys.exit("error: this is not a git checkout; the checks compare files through git. Run: git init && git add -A")
    return sorted(f for f in set(r.stdout.split("\0")) if f and (ROOT / f).is_file())


def copy_tree(dest):
    "Copy those files to `dest` and put them under git there, so that a later change can be seen."
    dest = Path(dest)
    for f in files():
        (dest / f).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ROOT / f, dest / f)
    for cmd in (["init", "-q"], ["config", "core.autocrlf", "false"], ["add", "-A"]):
        run("git", *cmd, cwd=dest)
    return dest


def changes(dest):
    "(changed files, `git diff --stat`) of a copy since it was made."

    def git(*cmd):
        return run("git", *cmd, cwd=dest).stdout

    names = git("diff", "--name-only").split("\n") + git("ls-files", "-o", "--exclude-standard").split("\n")
    return [n for n in names if n], git("diff", "--stat")


def setting(name):
    "One value of settings.ini."
    ini = ConfigParser(delimiters=["="], interpolation=None)
    ini.read(ROOT / "settings.ini", encoding="utf-8")
    return ini["DEFAULT"][name]


def notebooks(root=ROOT):
    "The notebooks in reading order, without drafts (names or folders that start with _ or .)."
    found = sorted((root / "nbs").rglob("*.ipynb"))
    return [f for f in found if not any(p.startswith(("_", ".")) for p in f.relative_to(root / "nbs").parts)]


def lessons(root=ROOT):
    "The book: the notebooks nbs/NN_*.ipynb in reading order."
    return [f for f in notebooks(root) if is_lesson(f)]


def evidence(root=ROOT):
    "The notebooks that test what the paper says, nbs/evidence/*.ipynb; the table of all verdicts comes first."
    return sorted((f for f in notebooks(root) if is_evidence(f)), key=lambda f: (f.stem != "verdicts", f.name))


def is_evidence(path):
    "Is this notebook one of the evidence: shown as a lesson is, tested as the engine room is?"
    return Path(path).parent.name == "evidence"


def is_lesson(path):
    "Is this notebook a lesson of the book (and not of the evidence, the engine room or the appendix)?"
    path = Path(path)
    return bool(re.match(r"\d\d_", path.name)) and path.parent.name == "nbs"


def read(path):
    "A notebook as a dict whose cell sources are plain strings."
    nb = json.loads(Path(path).read_text(encoding="utf-8"))
    for c in nb["cells"]:
        c["source"] = "".join(c["source"])
    return nb


def directives(source):
    "{name: value} of the `#| name: value` lines at the top of a code cell, the only place where nbdev sees them."
    found = {}
    for line in source.splitlines():
        if line.startswith("#|"):
            name, _, value = line[2:].strip().partition(":" if ":" in line else " ")
            # a long list of ids may go on in a second line of the same name
            found[name.strip()] = f"{found.get(name.strip(), '')} {value.strip()}".strip()
        elif line.strip() and not line.startswith("%%"):
            break
    return found
