"""HTML pages from the committed notebooks, outputs as stored, nothing executed, no Quarto.

python .github/scripts/docs.py [--out _docs] [--mathjax URL] [notebook ...]
"""

import argparse
import html
import re
import shutil
import sys
from pathlib import Path

from tree import ROOT, directives, notebooks, read

HIDDEN = {"hide", "default_exp", "exec_doc"}
TEMPLATE = """
{%- extends 'lab/index.html.j2' -%}
{%- block html_head_css -%}{{ super() }}<style>
  main, nav.pages { max-width: 62rem; margin: 0 auto; padding: 0 1rem; } nav.pages { display: flex; justify-content: space-between; gap: 1rem; padding: 1rem; font-family: sans-serif; }
  .jp-InputArea pre { white-space: pre-wrap; }  /* long lines of code are folded, not cut off */
  details.code > summary { margin-left: 4rem; font-family: sans-serif; font-size: .85rem; cursor: pointer; }
</style>{%- endblock -%}
{%- block body_header -%}{{ super() }}{{ resources.pages }}{%- endblock -%}
{%- block body_footer -%}{{ resources.pages }}{{ super() }}{%- endblock -%}
{%- block input_group -%}
{%- if cell.metadata.get('jupyter', {}).get('source_hidden') -%}<details class="code"><summary>Show the code</summary>{{ super() }}</details>{%- else -%}{{ super() }}{%- endif -%}
{%- endblock -%}
"""
INDEX = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1"><title>increlora</title>
<style>body {{ max-width: 46rem; margin: 2rem auto; padding: 0 1rem; font: 1.05rem/1.6 sans-serif; }} dd {{ margin: 0 0 .8rem 0; color: #444; }}</style></head>
<body><h1>increlora</h1><p>{description}</p><dl>
{entries}
</dl></body></html>
"""


def title(path):
    "(H1, subtitle) of a notebook."
    lines = [
        l for c in read(path)["cells"] if c["cell_type"] == "markdown" for l in c["source"].splitlines() if l.strip()
    ]
    head = next((l[2:] for l in lines if l.startswith("# ")), path.stem)
    return head, next((l[2:] for l in lines if l.startswith("> ")), "")


def prepared(path):
    "The notebook as a reader should see it: hidden cells and directive lines removed, links between notebooks turned into links between pages."
    import nbformat

    nb = nbformat.read(path, 4)
    nb.cells = [c for c in nb.cells if c.cell_type != "code" or not HIDDEN & directives(c.source).keys()]
    for c in nb.cells:
        if c.cell_type == "code":
            c.source = re.sub(r"\A(?:#\|.*\n?|[ \t]*\n)+", "", c.source)
        if c.cell_type == "markdown":
            c.source = re.sub(r"(\]\([\w./-]+)\.ipynb((?:#[\w.-]+)?\))", r"\1.html\2", c.source)
    nb.cells = [c for c in nb.cells if c.source.strip() or c.get("outputs")]
    return nb


def links(paths, i):
    "The row with the page before, the list and the page after."
    to = lambda j, text: (
        f'<a href="{paths[j].stem}.html">{text.format(html.escape(title(paths[j])[0]))}</a>'
        if 0 <= j < len(paths)
        else "<span></span>"
    )
    return f'<nav class="pages" aria-label="pages">{to(i - 1, "&larr; {}")}<a href="index.html">all pages</a>{to(i + 1, "{} &rarr;")}</nav>'


def exporter(mathjax=None):
    from jinja2 import DictLoader
    from nbconvert import HTMLExporter

    e = HTMLExporter(
        extra_loaders=[DictLoader({"page.html.j2": TEMPLATE})],
        template_file="page.html.j2",
        exclude_raw=True,
        require_js_url="",
    )
    if mathjax:
        e.mathjax_url = mathjax
    return e


def main():
    p = argparse.ArgumentParser(description="HTML pages from the committed notebooks.")
    p.add_argument("notebooks", nargs="*", type=Path, help="default: all of nbs/")
    p.add_argument("--out", type=Path, default=ROOT / "_docs", help="folder for the pages (default: _docs)")
    p.add_argument("--mathjax", help="address of another MathJax (default: the one nbconvert names)")
    a = p.parse_args()
    paths, page = [f.resolve() for f in a.notebooks] or notebooks(), exporter(a.mathjax)
    if not a.notebooks:
        shutil.rmtree(a.out, ignore_errors=True)
    a.out.mkdir(parents=True, exist_ok=True)
    entries = []
    for i, path in enumerate(paths):
        head, sub = title(path)
        body, _ = page.from_notebook_node(
            prepared(path), resources={"metadata": {"name": head}, "pages": links(paths, i)}
        )
        (a.out / f"{path.stem}.html").write_text(body, encoding="utf-8")
        entries.append(f'<dt><a href="{path.stem}.html">{html.escape(head)}</a></dt><dd>{html.escape(sub)}</dd>')
        print(f"{path.stem}.html")
    description = re.search(r"(?m)^description = (.*)$", (ROOT / "settings.ini").read_text(encoding="utf-8")).group(1)
    (a.out / "index.html").write_text(
        INDEX.format(description=html.escape(description), entries="\n".join(entries)), encoding="utf-8"
    )
    print(f"{len(paths)} pages and index.html in {a.out.name}/")
    return 0


if __name__ == "__main__":
    sys.exit(main())
