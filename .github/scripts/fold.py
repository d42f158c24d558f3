"""Folds the cells of lessons and evidence that begin with `#| hide`, `#| default_exp` or `#| echo: false`.

python .github/scripts/fold.py [notebook ...]     default: all lessons and all evidence; a second run changes nothing

A cell that was folded by hand (a figure whose code is in the way) stays folded, for all three readers.

Three readers look at three keys of a cell's metadata: JupyterLab at `jupyter.source_hidden`, Jupyter Book (and whoever
else goes by tags) at the tag `hide-input`, and Colab at `cellView: form`, which puts a button "Show code" in the place
of the source. nbdev_clean keeps the three (allowed_cell_metadata_keys in settings.ini).
"""

import json
import re
import sys
from pathlib import Path

from tree import directives, evidence, lessons

FOLDED = {"hide", "default_exp", "exec_doc"}
TAG = "hide-input"
BOX = re.compile(r"\s*(exercise|quiz)\(")


def hidden(source):
    "Is a code cell with this source out of the reader's way?"
    d = directives(source)
    return bool(FOLDED & d.keys()) or d.get("echo", "").lower() == "false"


def to_fold(cell):
    "Is this code cell to be folded? One that somebody folded by hand stays so, unless it shows an exercise or a quiz."
    by_hand = cell["metadata"].get("jupyter", {}).get("source_hidden", False)
    source = "".join(cell["source"])
    return hidden(source) or by_hand and not BOX.match(source)


def folded(metadata, fold):
    "The metadata of a cell that is folded, or is not; what else they hold stays."
    jupyter = {k: v for k, v in metadata.get("jupyter", {}).items() if k != "source_hidden"}
    tags = [t for t in metadata.get("tags", []) if t != TAG]
    new = {k: v for k, v in metadata.items() if k not in ("jupyter", "tags", "cellView")}
    if fold:
        jupyter["source_hidden"] = True
        tags.append(TAG)
        new["cellView"] = "form"
    # in the order of their names, as Jupyter itself writes them
    return dict(sorted((new | ({"jupyter": jupyter} if jupyter else {}) | ({"tags": tags} if tags else {})).items()))


def fold(nb):
    "Set the metadata of a notebook's code cells; the number of cells that changed."
    changed = 0
    for c in nb["cells"]:
        if c["cell_type"] == "code":
            new = folded(c["metadata"], to_fold(c))
            changed += new != c["metadata"]
            c["metadata"] = new
    return changed


def unfolded(nb):
    "The indices of the cells whose metadata a run of this script would change."
    for i, c in enumerate(nb["cells"]):
        if c["cell_type"] == "code" and folded(c["metadata"], to_fold(c)) != c["metadata"]:
            yield i


def main(paths=None):
    for path in [Path(p) for p in paths or []] or lessons() + evidence():
        nb = json.loads(path.read_text(encoding="utf-8"))
        if n := fold(nb):
            path.write_text(json.dumps(nb, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
            print(f"  {path.name}: {n} cells")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
