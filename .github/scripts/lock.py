"""Write constraints.txt: every requirement of the package, of all extras and of the tools, for every Python from
3.10 on.

python .github/scripts/lock.py [--torch 2.13.0]     (make lock)
"""

import argparse
import tempfile
from pathlib import Path

from make_venv import LOCK, torch_pin, uv

HEAD = """\
# Versions that are known to work together, direct and transitive, for all extras. Made by `make lock`; do not edit.
# What an installation does not need is not installed because it stands here: the CUDA packages, for example, with a CPU
# build of torch.
"""


def main():
    p = argparse.ArgumentParser(description="Write constraints.txt anew.")
    p.add_argument("--torch", help="release of torch to lock; default: the one that is locked now")
    a = p.parse_args()
    with tempfile.TemporaryDirectory() as tmp:
        wanted = Path(tmp) / "torch.txt"
        wanted.write_text(f"torch=={a.torch}" if a.torch else torch_pin())
        pins = uv(
            "pip",
            "compile",
            "pyproject.toml",
            "--all-extras",
            "--universal",
            "--python-version",
            "3.10",
            "--constraint",
            wanted,
            "--quiet",
            "--no-annotate",
            "--no-header",
            "--no-emit-index-url",
        )
    LOCK.write_text(HEAD + pins, encoding="utf-8")
    print(f"{LOCK.name}: {len(pins.splitlines())} pins")


if __name__ == "__main__":
    main()
