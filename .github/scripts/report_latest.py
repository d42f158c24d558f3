"""Open an issue about a failed `make latest`, or add to the one that is open.  python .github/scripts/report_latest.py
LOG RUN [--dry_run]

Needs the GitHub command line `gh` and its GH_TOKEN.
"""

import argparse
import json
import subprocess
from pathlib import Path

TITLE = "The newest versions break the tests"


def body(log, run):
    "What the issue says: what failed, which packages are newer than the lock, and the end of the log."
    lines = log.splitlines()
    wanted = ("failed: ", "Python ", "  other versions than constraints.txt: ", "error: ")
    told = list(dict.fromkeys(line.strip() for line in lines if line.startswith(wanted)))
    end = "\n".join(lines[-60:])
    return f"`make latest` failed in {run}\n\n" + "\n".join(f"- {line}" for line in told) + f"\n\n```\n{end}\n```\n"


def gh(*arguments, text=None):
    "What a command of `gh` prints."
    return subprocess.run(["gh", *arguments], input=text, text=True, check=True, stdout=subprocess.PIPE).stdout


def main():
    p = argparse.ArgumentParser(
        description="Open an issue about a failed `make latest`, or add to the one that is open."
    )
    p.add_argument("log", type=Path)
    p.add_argument("run", help="address of the run")
    p.add_argument("--dry_run", action="store_true", help="print the text only")
    a = p.parse_args()
    text = body(a.log.read_text(encoding="utf-8", errors="replace"), a.run)
    if a.dry_run:
        return print(f"{TITLE}\n\n{text}")
    found = json.loads(
        gh("issue", "list", "--state", "open", "--search", f"in:title {TITLE}", "--json", "number,title")
    )
    same = [str(issue["number"]) for issue in found if issue["title"] == TITLE]
    print(
        gh("issue", "comment", same[0], "--body-file", "-", text=text)
        if same
        else gh("issue", "create", "--title", TITLE, "--body-file", "-", text=text)
    )


if __name__ == "__main__":
    main()
