"""Make .venv once: torch first, then this package with everything needed to work on it.

python .github/scripts/make_venv.py [--torch "torch==2.13.0"] [--force]
"""
import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
STAMP = VENV / ".ready"
SOURCES = [ROOT / f for f in ("settings.ini", "setup.py", "pyproject.toml")]
# Named, so that everybody trains with the same release (and, where the package index offers one, its CPU build).
TORCH = "torch==2.13.0"
OLDEST = (3, 10)


def python():
    "The interpreter inside .venv."
    return VENV / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def up_to_date():
    "Was .venv finished after the last change of the files it is made from?"
    return STAMP.exists() and python().exists() and all(STAMP.stat().st_mtime >= f.stat().st_mtime for f in SOURCES)


def sh(*cmd, hint=""):
    "Run `cmd`; leave with one clear sentence if it fails."
    r = subprocess.run([str(c) for c in cmd], cwd=ROOT)
    if r.returncode: sys.exit("error: '%s' failed. %s" % (" ".join(str(c) for c in cmd), hint))


def create():
    "An empty .venv, unless a usable one is there."
    if python().exists() and subprocess.run([str(python()), "-m", "pip", "--version"], capture_output=True).returncode == 0: return
    shutil.rmtree(VENV, ignore_errors=True)
    sh(sys.executable, "-m", "venv", VENV, hint="On Debian and Ubuntu: apt install python3-venv.")


def build(torch=TORCH):
    "Create .venv and install into it."
    pip = [python(), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--progress-bar", "off"]
    offline = "Installing needs a package index; without one, put the wheels where pip finds them."
    print("[1/3] .venv with Python %d.%d.%d" % sys.version_info[:3], flush=True)
    create()
    print("[2/3] %s" % torch, flush=True)
    sh(*pip, torch, hint=offline)
    print("[3/3] increlora, its requirements and the notebook tools (a few minutes)", flush=True)
    sh(*pip, "-e", ".[dev]", hint=offline)
    STAMP.write_text("ready\n")
    print("      .venv is ready", flush=True)


def main():
    p = argparse.ArgumentParser(description="Make .venv for this repository.")
    p.add_argument("--torch", default=TORCH, help="what to install as PyTorch (default: %(default)s)")
    p.add_argument("--force", action="store_true", help="install again even if nothing changed")
    a = p.parse_args()
    if sys.version_info < OLDEST:
        sys.exit("error: increlora needs Python 3.10 or newer, this is %d.%d. Name another one: make PYTHON=python3.12 ..." % sys.version_info[:2])
    if a.force or not up_to_date(): build(a.torch)


if __name__ == "__main__": main()
