"""README.md from nbs/index.ipynb, as nbdev_readme does it, without Quarto.  python .github/scripts/readme.py [--check]

Prose as it stands, code that is not hidden with its stored output. Three cells of the notebook are written here, too:
the table of lessons (from nbs/lessons.yaml), the map of the house (from the modules) and the list of the evidence (from
its notebooks); each begins with its mark.
"""

import json
import os
import re
import sys

import house
import minutes
from tree import ROOT, directives, evidence, read

INDEX, README = ROOT / "nbs" / "index.ipynb", ROOT / "README.md"
HEAD = "<!-- Written by .github/scripts/readme.py from nbs/index.ipynb; edit the notebook. -->\n\n"


def evidence_table():
    "The notebooks of the evidence as markdown: title and subtitle, links as from nbs/index.ipynb."
    rows = ["| | |", "|---|---|"]
    for path in evidence():
        text = "\n".join(c["source"] for c in read(path)["cells"] if c["cell_type"] == "markdown")
        title, says = (re.search(rf"(?m)^{mark} (.*)", text)[1].replace("|", r"\|") for mark in "#>")
        rows.append(f"| [{title}](evidence/{path.name}) | {says} |")
    return "\n".join(rows)


TABLES = {"<!-- lessons -->": minutes.table, "<!-- house -->": house.table, "<!-- evidence -->": evidence_table}


def filled(source):
    "A cell's source, its table made anew where it is one of the three."
    mark = source.partition("\n")[0]
    return f"{mark}\n\n{TABLES[mark]()}" if mark in TABLES else source


def from_root(text):
    "Links as they must be beside README.md instead of in nbs/; code is left alone."

    def link(m):
        if m["code"] or re.match(r"[a-z]+:|#", m["to"]):
            return m[0]
        return f"{m['text']}({os.path.normpath('nbs/' + m['to'])})"

    return re.sub(r"(?s)(?P<code>```.*?```|`[^`\n]*`(?!\]))|(?P<text>\])\((?P<to>[^)\s]+)\)", link, text)


def markdown(cell):
    "What README.md shows of a cell."
    if cell["cell_type"] == "markdown":
        return from_root(filled(cell["source"]))
    tags = directives(cell["source"])
    if cell["cell_type"] != "code" or "hide" in tags:
        return ""
    parts = ["```python\n" + re.sub(r"(?m)^#\|.*\n?", "", cell["source"]).strip() + "\n```"]
    for o in cell["outputs"]:
        text = o.get("text") or o["data"].get("text/plain", "")
        parts.append("```text\n" + "".join(text).strip() + "\n```")
    return "\n\n".join(parts)


def readme():
    "The text of README.md."
    return HEAD + "\n\n".join(filter(None, map(markdown, read(INDEX)["cells"]))).strip() + "\n"


def stale():
    "Sentences about what is older than its source."
    if any(filled(c["source"]) != c["source"] for c in read(INDEX)["cells"] if c["cell_type"] == "markdown"):
        yield "nbs/index.ipynb: a table is older than lessons.yaml or the modules; run .github/scripts/readme.py"
    if not README.exists() or README.read_text(encoding="utf-8") != readme():
        yield "README.md is older than nbs/index.ipynb; run .github/scripts/readme.py"


def write():
    "Renew the notebook's tables and README.md."
    nb = json.loads(INDEX.read_text(encoding="utf-8"))
    for cell in nb["cells"]:
        if cell["cell_type"] == "markdown":
            cell["source"] = filled("".join(cell["source"])).splitlines(keepends=True)
    INDEX.write_text(json.dumps(nb, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
    README.write_text(readme(), encoding="utf-8")


def main():
    if "--check" not in sys.argv:
        write()
    bad = list(stale())
    print("\n".join("  " + line for line in bad or ["README.md is nbs/index.ipynb"]))
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
