"""Build the wheel from a copy of the tree, install it in a clean environment and use it from another folder.

The clean environment sees the requirements installed beside the running Python through a .pth file, so nothing is downloaded;
an editable increlora there stays out of sight, because a .pth file does not read other .pth files.
"""
import configparser
import os
import re
import sys
import sysconfig
import tempfile
import zipfile
from pathlib import Path

from tree import ROOT, copy_tree, files, run

HEAVY = "matplotlib seaborn datasets ipywidgets IPython fastcore nbdev".split()
PROBE = """
import importlib, pkgutil, sys
from pathlib import Path
import increlora
home = Path(increlora.__file__).resolve()
assert home.is_relative_to(Path(sys.prefix).resolve()), f"increlora was imported from {home}, not from the wheel"
heavy = [m for m in %r if m in sys.modules]
assert not heavy, f"'import increlora' alone already imports {heavy}"
names = sorted(m.name for m in pkgutil.walk_packages(increlora.__path__, "increlora."))
for name in names: importlib.import_module(name)
print(f"{len(names)} submodules imported, version {increlora.__version__}")
""" % HEAVY


class Failed(Exception): pass


def must(process, what):
    "The text of a finished command, or a `Failed` with its last lines."
    if process.returncode: raise Failed(f"{what}\n" + "\n".join((process.stdout + process.stderr).strip().splitlines()[-12:]))
    return process.stdout.strip()


def build(work):
    "The wheel; `pip install -e` has already tried an isolated build, so this one downloads nothing."
    tree = copy_tree(work / "tree")
    must(run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", work / "dist", cwd=tree), "python -m build --wheel failed")
    return next((work / "dist").glob("*.whl"))


def environment(work, wheel):
    "A clean environment with the wheel in it."
    env = work / "clean"
    must(run(sys.executable, "-m", "venv", "--without-pip", env), "python -m venv failed")
    python = env / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    must(run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", wheel), "installing the wheel failed")
    site = must(run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"), "the clean environment does not start")
    paths = dict.fromkeys(sysconfig.get_path(k) for k in ("purelib", "platlib"))
    (Path(site) / "requirements.pth").write_text("\n".join(paths) + "\n", encoding="utf-8")
    return python


def contents(wheel):
    "Every file of the package must be inside the wheel."
    inside = set(zipfile.ZipFile(wheel).namelist())
    wanted = [f for f in files() if f.startswith("increlora/")]
    if missing := [f for f in wanted if f not in inside]: raise Failed(f"the wheel lacks {', '.join(missing)}")
    pocket = [f for f in wanted if f.startswith("increlora/pocket/")]
    return f"{len(inside)} files, {len(pocket)} of them of the pocket model, {wheel.stat().st_size / 1e6:.2f} MB"


def scripts(python, work):
    "`--help` of every command the package installs."
    ini = configparser.ConfigParser(delimiters=["="])
    ini.read(ROOT / "settings.ini", encoding="utf-8")
    names = re.findall(r"(\w+)=\S+", ini["DEFAULT"]["console_scripts"])
    for name in names:
        text = must(run(python.parent / name, "--help", cwd=work), f"{name} --help failed")
        if "usage" not in text.lower(): raise Failed(f"{name} --help shows no usage")
    return "--help of " + ", ".join(names)


def main():
    with tempfile.TemporaryDirectory() as tmp:
        work = Path(tmp).resolve()
        (work / "elsewhere").mkdir()
        try:
            wheel = build(work)
            print(f"  {wheel.name}: {contents(wheel)}", flush=True)
            python = environment(work, wheel)
            print("  " + must(run(python, "-I", "-c", PROBE, cwd=work / "elsewhere"), "the installed wheel cannot be imported"), flush=True)
            print("  " + scripts(python, work / "elsewhere"), flush=True)
        except Failed as e:
            print("  " + str(e).replace("\n", "\n    "))
            return 1
    return 0


if __name__ == "__main__": sys.exit(main())
