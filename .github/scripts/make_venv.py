"""Make an environment once: torch first, then this package with everything needed to work on it.

python .github/scripts/make_venv.py            .venv, from constraints.txt: the versions that are known to work together
python .github/scripts/make_venv.py --latest   .venv-latest: the newest versions that settings.ini allows
python .github/scripts/make_venv.py --lowest   .venv-lowest: the oldest ones
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
LOCK = ROOT / "constraints.txt"
SOURCES = [ROOT / f for f in ("settings.ini", "setup.py", "pyproject.toml", "constraints.txt")]
OLDEST = (3, 10)
OFFLINE = "Installing needs a package index; without one, put the wheels where pip finds them."


def python(venv=VENV):
    "The interpreter inside an environment."
    return venv / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def up_to_date(venv=VENV):
    "Was the environment finished after the last change of the files it is made from?"
    stamp = venv / ".ready"
    return stamp.exists() and python(venv).exists() and all(stamp.stat().st_mtime >= f.stat().st_mtime for f in SOURCES)


def sh(*cmd, hint="", **options):
    "Run `cmd`; leave with one clear sentence if it fails."
    r = subprocess.run([str(c) for c in cmd], cwd=ROOT, **options)
    if r.returncode:
        sys.exit("error: '%s' failed. %s" % (" ".join(str(c) for c in cmd), hint))
    return r.stdout


def create(venv):
    "An empty environment, unless a usable one is there."
    if (
        python(venv).exists()
        and subprocess.run([str(python(venv)), "-m", "pip", "--version"], capture_output=True).returncode == 0
    ):
        return
    shutil.rmtree(venv, ignore_errors=True)
    sh(sys.executable, "-m", "venv", venv, hint="On Debian and Ubuntu: apt install python3-venv.")


def torch_pin():
    """The release of torch in the lock: installed by itself, so that pip takes the CPU build where the package index
    offers one.
    """
    return re.search(r"(?m)^torch==[^\s;]+", LOCK.read_text(encoding="utf-8")).group()


def uv(*arguments, **options):
    "Run uv, from an environment of its own that is gone afterwards; what it prints."
    with tempfile.TemporaryDirectory() as tmp:
        sh(sys.executable, "-m", "venv", tmp)
        sh(python(Path(tmp)), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "uv", hint=OFFLINE)
        return sh(
            python(Path(tmp)),
            "-m",
            "uv",
            *arguments,
            "--no-cache",
            hint=OFFLINE,
            stdout=subprocess.PIPE,
            text=True,
            **options,
        )


def release(version):
    "The numbers of a version, without zeros at its end: 1.0 is 1."
    return [int(n) for n in re.sub(r"(\.0)+$", "", version).split(".")]


def lowest():
    """The oldest version of every direct requirement that settings.ini allows, and what goes with them: lines of pins.

    A floor below the version that is then installed would be a promise that nobody tests, so it is an error.
    """
    pins = uv(
        "pip",
        "compile",
        "pyproject.toml",
        "--extra",
        "dev",
        "--resolution",
        "lowest-direct",
        "--python-version",
        "%d.%d" % sys.version_info[:2],
        "--quiet",
        "--no-annotate",
        "--no-header",
        "--no-emit-index-url",
    )
    floors = re.findall(r"(?<=[ =])([\w-]+)>=([\d.]+)", (ROOT / "settings.ini").read_text(encoding="utf-8"))
    found = dict(re.findall(r"(?m)^([\w-]+)==([\d.]+)", pins))
    wrong = [
        f"{name}>={floor}: the oldest version that fits the others is {found[name]}"
        for name, floor in floors
        if release(floor) != release(found[name])
    ]
    if wrong:
        sys.exit("error: settings.ini says " + "; ".join(wrong))
    return pins


def build(venv=VENV, which="locked", torch=None):
    "Create `venv` and install into it; `which`: the versions that are locked, the latest or the lowest."
    pip = [python(venv), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--progress-bar", "off"]
    with tempfile.TemporaryDirectory() as tmp:
        pins = Path(tmp) / "pins.txt"
        text = (
            {"locked": LOCK.read_text(encoding="utf-8"), "latest": "torch\n"}[which] if which != "lowest" else lowest()
        )
        if torch:
            text = re.sub(r"(?m)^(torch|triton|nvidia-[\w-]+)==.*\n", "", text) + torch + "\n"
        pins.write_text(text, encoding="utf-8")
        first = torch or re.search(r"(?m)^torch\b[^\s;]*", text).group()
        print("[1/3] %s with Python %d.%d.%d" % (venv.name, *sys.version_info[:3]), flush=True)
        create(venv)
        print("[2/3] %s" % first, flush=True)
        sh(*pip, "-c", pins, first, hint=OFFLINE)
        print(
            "[3/3] increlora, its requirements and the notebook tools, %s versions (a few minutes)" % which, flush=True
        )
        sh(
            *pip,
            "-c",
            pins,
            *(["--upgrade", "--upgrade-strategy", "eager"] if which == "latest" else []),
            "-e",
            ".[dev]",
            hint=OFFLINE,
        )
    (venv / ".ready").write_text("ready\n")
    print("      %s is ready" % venv.name, flush=True)


def main():
    p = argparse.ArgumentParser(description="Make an environment for this repository.")
    p.add_argument(
        "--latest",
        action="store_true",
        help="the newest versions, in .venv-latest, instead of constraints.txt's in .venv",
    )
    p.add_argument(
        "--lowest", action="store_true", help="the oldest versions that settings.ini allows, in .venv-lowest"
    )
    p.add_argument("--torch", help="what to install as PyTorch instead, e.g. torch==2.13.0")
    p.add_argument("--force", action="store_true", help="install again even if nothing changed")
    a = p.parse_args()
    if sys.version_info < OLDEST:
        sys.exit(
            "error: increlora needs Python 3.10 or newer, this is %d.%d. Name another one: make PYTHON=python3.12 ..."
            % sys.version_info[:2]
        )
    which = "latest" if a.latest else "lowest" if a.lowest else "locked"
    venv = VENV if which == "locked" else ROOT / f".venv-{which}"
    if a.force or which == "latest" or not up_to_date(venv):
        build(venv, which, a.torch)


if __name__ == "__main__":
    main()
