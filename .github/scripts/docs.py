"""HTML pages from the committed notebooks and modules: outputs as stored, nothing executed, no Quarto, no network.

python .github/scripts/docs.py [--out _docs]     (make docs)

The book, the evidence, the engine room, the appendix, one page of signatures per module, and what stands in
CONTRIBUTING.md and CHANGELOG.md. A page needs only what lies beside it: style.css, search.js, the index that it
searches, and MathJax.
"""

import argparse
import ast
import functools
import html
import json
import os
import re
import shutil
import sys
import tokenize
from importlib.util import find_spec
from pathlib import Path
from string import Template

import house
from tree import NOT_PAGES, ROOT, directives, notebooks, read, setting

NBS, SITE = ROOT / "nbs", Path(__file__).parent / "site"
NEVER = set(NOT_PAGES)
SILENT = re.compile(r"\s*(import nbdev\s*)?(nbdev\.)?nbdev_export\(.*\)\s*|\s*(%\w+.*\s*)*")
PARTS = {
    "": "The book",
    "evidence": "Evidence",
    "engine": "Engine room",
    "appendix": "Appendix",
    "api": "Modules",
    "about": "The project",
}
ROOT_PAGES = {"contributing": "CONTRIBUTING.md", "changelog": "CHANGELOG.md"}
BUNDLE = "config/TeX-AMS-MML_HTMLorMML-full.js"
MATHJAX = [
    "LICENSE",
    "MathJax.js",
    BUNDLE,
    "extensions",
    "fonts",
    "jax/input/TeX",
    "jax/element",
    "jax/output/HTML-CSS",
]
LEFT_OUT = shutil.ignore_patterns("a11y", "AssistiveMML.js")
ALONE = "a|pre|h[1-6]|summary|script|style"  # in these a word becomes no link
CELL = re.compile(r"(?s)\A(?:#\|[^\n]*\n?|[ \t]*\n)+")


class Page:
    "One page: its address, its title, its sections for the search, and its body."

    def __init__(self, name, part, title, body="", sub="", source=None):
        self.name, self.part, self.title, self.sub, self.source = name, part, title, sub, source
        self.body = body
        self.headings = []  # (id, text) of its second level

    @property
    def url(self):
        return self.name + ".html"

    @property
    def up(self):
        "From this page to the root of the site."
        return "../" * self.name.count("/")


# --- markdown and code ---


def renderer():
    "Markdown as JupyterLab reads it; formulas between delimiters that no price can be taken for."
    from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

    class Renderer(IPythonRenderer):
        def block_math(self, body):
            return formula("div", rf"\[{body}\]", body)

        def inline_math(self, body):
            return formula("span", rf"\({body}\)", body)

        def heading(self, text, level, **attrs):
            words = re.sub(r"<[^>]+>", "", text)
            slug = anchor(html.unescape(words))
            return heading(level, slug, text)

        def table(self, text):
            return f'<div class="wide"><table>\n{text}</table></div>\n'

    return MarkdownWithMath(renderer=Renderer(escape=False))


def formula(element, delimited, tex):
    "A formula for MathJax, and its TeX for whoever is read to."
    words = html.escape(" ".join(tex.split()), quote=True)
    return f'<{element} class="tex" role="math" aria-label="{words}">{html.escape(delimited, quote=False)}</{element}>'


def anchor(text):
    "The address of a heading: as JupyterLab has it, with hyphens for spaces."
    return re.sub(r"\s+", "-", re.sub(r"[`$\\{}\"<>%]", "", text).strip())


def heading(level, id, text):
    link = f'<a class="anchor" href="#{id}" aria-label="link to here">#</a>'
    return f'<h{level} id="{id}">{text}{link}</h{level}>\n'


def highlighted(source, lexer="python"):
    from pygments import highlight
    from pygments.formatters import HtmlFormatter
    from pygments.lexers import get_lexer_by_name

    return highlight(source, get_lexer_by_name(lexer), HtmlFormatter(cssclass="code", wrapcode=True))


def joined(x):
    return "".join(x) if isinstance(x, list) else x


# --- notebooks ---


def output(o, markdown):
    "One stored output as HTML."
    if o["output_type"] == "stream":
        return f'<pre class="output">{html.escape(joined(o["text"]))}</pre>'
    data = o.get("data", {})
    if "text/html" in data:
        return f'<div class="output">{joined(data["text/html"])}</div>'
    if "text/markdown" in data:
        return f'<div class="output">{markdown(joined(data["text/markdown"]))}</div>'
    return f'<pre class="output">{html.escape(joined(data.get("text/plain", "")))}</pre>'


def cell_html(c, markdown):
    "One cell: prose, or code with its outputs. Hidden code is folded; what a reader cannot use is left out."
    if c["cell_type"] == "markdown":
        return markdown(c["source"])
    if c["cell_type"] != "code":
        return ""
    tags, source = directives(c["source"]), CELL.sub("", c["source"]).rstrip()
    shown = "".join(output(o, markdown) for o in c["outputs"])
    if not source or SILENT.fullmatch(source) or "default_exp" in tags and not source:
        return shown
    code = highlighted(source)
    folded = "hide" in tags or tags.get("echo") == "false" or c["metadata"].get("jupyter", {}).get("source_hidden")
    if folded:
        code = f'<details class="folded"><summary>code</summary>{code}</details>'
    elif "export" in tags or "exports" in tags:
        code = f'<div class="exported" title="part of the package">{code}</div>'
    return code + shown


def notebook_page(path, markdown):
    name = path.relative_to(NBS).with_suffix("").as_posix()
    nb = read(path)
    body = "\n".join(filter(None, (cell_html(c, markdown) for c in nb["cells"])))
    text = [line for c in nb["cells"] if c["cell_type"] == "markdown" for line in c["source"].splitlines() if line]
    title = next((line[2:] for line in text if line.startswith("# ")), name)
    sub = next((line[2:] for line in text if line.startswith("> ")), "")
    part = name.split("/")[0] if "/" in name else ""
    return Page(name, part, title, body, sub, f"nbs/{name}.ipynb")


# --- modules ---


def signature(node, lines):
    "A definition up to its body, as it is written: with types, defaults and the comments on parameters."
    first = min([node.lineno] + [d.lineno for d in node.decorator_list])
    body = node.body[0]
    if isinstance(node, ast.ClassDef):
        return "\n".join(lines[first - 1 : max(first, body.lineno - 1)]).rstrip()
    if body.lineno == node.lineno:
        return lines[node.lineno - 1].strip()
    text = "\n".join(lines[first - 1 : body.lineno - 1]).rstrip()
    indent = len(text) - len(text.lstrip())
    return "\n".join(line[indent:] for line in text.splitlines())


def fields(node, lines):
    "The annotated fields of a class, with their comments."
    found = [lines[n.lineno - 1 : n.end_lineno] for n in node.body if isinstance(n, ast.AnnAssign)]
    return "\n".join(line[4:] for part in found for line in part)


def docstring(node, markdown):
    "A docstring; its wrapped lines are joined, so that a minus or # at the start of a line is no list and no heading."
    text = re.sub(r"(?m)(?<=\S)\n(?=[^\s])(?! *[-*] \w.*\n *[-*] )", " ", ast.get_docstring(node) or "")
    text = re.sub(r"(?m)^#", r"\\#", text)
    return f'<div class="docstring">{markdown(text)}</div>' if text else ""


def definition(node, lines, markdown, prefix=""):
    "A function or a class with its public methods."
    name = prefix + node.name
    level = 3 if prefix else 2
    parts = [heading(level, name, f"<code>{name}</code>")]
    parts += [highlighted(signature(node, lines)), docstring(node, markdown)]
    if isinstance(node, ast.ClassDef):
        if listed := fields(node, lines):
            parts.append(highlighted(listed))
        for method in node.body:
            if isinstance(method, (ast.FunctionDef, ast.AsyncFunctionDef)):
                if method.name == "__init__":
                    parts.append(highlighted(signature(method, lines)) + docstring(method, markdown))
                elif not method.name.startswith("_"):
                    parts.append(definition(method, lines, markdown, name + "."))
    return "\n".join(parts)


def public(tree):
    "The names a module exports."
    for n in tree.body:
        if isinstance(n, ast.Assign) and isinstance(n.targets[0], ast.Name) and n.targets[0].id == "__all__":
            return ast.literal_eval(n.value)
    return []


def module_page(path, markdown):
    "Signatures and docstrings of one module, read from its text: nothing is imported."
    with tokenize.open(path) as f:
        text = f.read()
    tree, lines = ast.parse(text), text.splitlines()
    dotted = ".".join(path.relative_to(ROOT).with_suffix("").parts)
    wanted = public(tree)
    nodes = {n.name: n for n in tree.body if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    values = [
        ast.get_source_segment(text, n)
        for n in tree.body
        if isinstance(n, (ast.Assign, ast.AnnAssign))
        and any(isinstance(t, ast.Name) and t.id in wanted for t in getattr(n, "targets", None) or [n.target])
    ]
    home = house.source(path)
    intro = [f'<h1 id="{dotted}"><code>{dotted}</code></h1>', docstring(tree, markdown)]
    if home:
        intro.append(f'<p class="from">Built and tested in <a href="{home}.ipynb">nbs/{home}.ipynb</a>.</p>')
    if short := [v for v in values if len(v.splitlines()) <= 12]:
        intro.append(highlighted("\n".join(short)))
    body = "\n".join(intro + [definition(nodes[n], lines, markdown) for n in wanted if n in nodes])
    sub = (ast.get_docstring(tree) or "").split("\n")[0]
    page = Page("api/" + dotted.removeprefix("increlora."), "api", dotted, body, sub, home and f"nbs/{home}.ipynb")
    page.names = [n for n in wanted if n in nodes]
    return page


def module_paths():
    "The generated modules in the order of the house, without those whose notebook is never a page."
    paths = [house.path(name) for name in house.ORDER]
    return [p for p in paths if p.exists() and house.source(p) not in NEVER]


# --- links ---


def doclinks(body, page, names, pages):
    "`Growth` and `engine/run` in prose become links to their pages, unless they stand in a link or a heading."

    def linked(m):
        if not m["code"]:
            return m[0]
        text = html.unescape(m["code"]).removeprefix("nbs/").removesuffix(".ipynb")
        target = names.get(text.removesuffix("()"))
        if target is None and text in pages and "/" in text + "/"[: bool(re.match(r"\d\d_", text))]:
            target = text + ".html"
        if target is None or target.split("#")[0] == page.url:
            return m[0]
        return f'<a class="doclink" href="{page.up}{target}"><code>{m["code"]}</code></a>'

    return re.sub(rf"(?s)<({ALONE})\b.*?</\1>|<code>(?P<code>[^<]+)</code>", linked, body)


def relinked(body, page, pages, out):
    "Links between files of the repository become links between pages; pictures and results come along."
    base = NBS / page.name if page.source and page.source.startswith("nbs") and page.part != "api" else None
    folder = base.parent if base else NBS if page.part == "api" else ROOT

    def link(m):
        attribute, target = m[1], html.unescape(m[2])
        if re.match(r"[a-z]+:|#|//", target) or not target:
            return m[0]
        file, _, section = target.partition("#")
        path = Path(os.path.normpath(folder / file))
        section = "#" + section if section else ""
        if not path.is_relative_to(ROOT) or not path.exists():
            return m[0]  # a page of this site, or a broken link that the check finds
        inside = path.relative_to(ROOT).as_posix()
        if inside.endswith(".ipynb") and inside[4:-6] in pages:
            new = f"{page.up}{inside[4:-6]}.html{section}"
        elif found := [n for n, f in ROOT_PAGES.items() if f == inside]:
            new = f"{page.up}{found[0]}.html{section}"
        elif inside == "README.md":
            new = f"{page.up}index.html"
        elif path.is_file() and inside.startswith("nbs/") and path.suffix in (".png", ".svg", ".json", ".yaml"):
            (out / inside).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, out / inside)
            new = page.up + inside
        else:
            new = f"{setting('git_url')}/blob/{setting('branch')}/{inside}{section}"
        return f'{attribute}="{html.escape(new)}"'

    return re.sub(r'\b(href|src)="([^"]*)"', link, body)


# --- the shell around a page ---


def navigation(page, parts):
    "The list of all pages; the part of this one is open, and so are its sections."
    rows = []
    for part, pages in parts.items():
        if not pages:
            continue
        here = part == page.part
        items = []
        for p in pages:
            label = html.escape(p.title.removeprefix("increlora.") if part == "api" else p.title)
            number = re.match(r"(\d\d)_", p.name)
            label = f'<span class="number">{number[1]}</span>{label}' if number else label
            current = ' aria-current="page"' if p is page else ""
            inner = ""
            if p is page and p.headings and part != "api":
                inner = "".join(f'<li><a href="#{i}">{t}</a></li>' for i, t in p.headings)
                inner = f'<ul class="sections">{inner}</ul>'
            items.append(f'<li><a href="{page.up}{p.url}"{current}>{label}</a>{inner}</li>')
        start = "<details open>" if here or part == "" else "<details>"
        rows.append(f"{start}<summary>{PARTS[part]}</summary><ul>{''.join(items)}</ul></details>")
    return "\n".join(rows)


def neighbours(page, pages):
    "The pages before and after this one in its part."
    mine = [p for p in pages if p.part == page.part]
    i = mine.index(page)

    def to(j, text):
        return (
            f'<a href="{page.up}{mine[j].url}">{text.format(html.escape(mine[j].title))}</a>'
            if 0 <= j < len(mine)
            else "<span></span>"
        )

    return f'<nav class="neighbours" aria-label="before and after">{to(i - 1, "← {}")}{to(i + 1, "{} →")}</nav>'


@functools.cache
def template(name):
    return Template((SITE / name).read_text(encoding="utf-8"))


def shell(page, parts, pages):
    "The whole document."
    source = ""
    if page.source:
        address = f"{setting('git_url')}/blob/{setting('branch')}/{page.source}"
        source = f'<p class="source"><a href="{address}">{page.source}</a></p>'
    maths = ""
    if 'class="tex"' in page.body:
        maths = template("mathjax.html").substitute(up=page.up)
    return template("page.html").substitute(
        title=html.escape(page.title),
        part=page.part or "book",
        up=page.up,
        nav=navigation(page, parts),
        body=page.body,
        neighbours=neighbours(page, pages),
        source=source,
        maths=maths,
        description=html.escape(re.sub(r"[`$]", "", page.sub), quote=True),
    )


# --- the search ---


def plain(body):
    "The words of a piece of a page."
    body = re.sub(r"(?s)<(script|style|svg)\b.*?</\1>", " ", body)
    body = re.sub(r'(?s)<a class="anchor".*?</a>', "", body)
    return re.sub(r"\s+", " ", html.unescape(re.sub(r"(?s)<[^>]+>", " ", body))).strip()


def sections(page):
    "(heading, id, words) of each section; definitions of modules are sections, too."
    pieces = re.split(r'(<h[1-4] id="[^"]*">.*?</h[1-4]>)', page.body)
    if pieces[0].strip():
        yield page.title, "", plain(pieces[0])
    for head, text in zip(pieces[1::2], pieces[2::2]):
        yield plain(head), re.search(r'id="([^"]*)"', head)[1], plain(text)


def index(pages):
    "What the search reads: page, section, address, words."
    rows = []
    for p in pages:
        for head, id, words in sections(p):
            where = PARTS[p.part]
            rows.append(
                [p.title, "" if head == p.title else head, p.url + ("#" + id if id else ""), words[:4000], where]
            )
    return (
        "window.searchIndex = "
        + json.dumps(rows, ensure_ascii=False, separators=(",", ":")).replace("</", "<\\/")
        + ";\n"
    )


# --- all of it ---


def unique_ids(body):
    "A second heading of the same words gets a number."
    seen = {}

    def numbered(m):
        seen[m[2]] = n = seen.get(m[2], 0) + 1
        return m[0] if n == 1 else m[0].replace(m[2], f"{m[2]}-{n}")

    return re.sub(r'(<h[1-6] id=")([^"]*)(">.*?</h[1-6]>)', numbered, body)


def collect():
    "Every page, not yet linked."
    markdown = renderer()
    books = [p for p in notebooks() if p.relative_to(NBS).with_suffix("").as_posix() not in NEVER]
    pages = [notebook_page(p, markdown) for p in books]
    first = ("index", "evidence/verdicts")
    pages.sort(key=lambda p: (list(PARTS).index(p.part), p.name not in first, p.name))
    pages += [module_page(p, markdown) for p in module_paths()]
    for name, file in ROOT_PAGES.items():
        text = (ROOT / file).read_text(encoding="utf-8")
        pages.append(Page(name, "about", text.split("\n")[0].lstrip("# "), markdown(text), source=file))
    return pages


def addresses(pages):
    "Public name -> address of its definition; a name of two modules leads nowhere, unless the module stands with it."
    found = {}
    for p in pages:
        for n in getattr(p, "names", []):
            found.setdefault(n, []).append(f"{p.url}#{n}")
            found[f"{p.title}.{n}"] = [f"{p.url}#{n}"]
        if p.part == "api":
            found[p.title] = [p.url]
    return {n: a[0] for n, a in found.items() if len(a) == 1}


def mathjax(out):
    "MathJax beside the pages, from the package that ships it to Jupyter."
    spec = find_spec("jupyter_server_mathjax")
    if spec is None:
        sys.exit(
            "error: the pages need the package jupyter-server-mathjax (extra dev); "
            "run: python .github/scripts/make_venv.py --force"
        )
    source = Path(spec.origin).parent / "static"
    for part in MATHJAX:
        (out / "mathjax" / part).parent.mkdir(parents=True, exist_ok=True)
        if (source / part).is_dir():
            shutil.copytree(source / part, out / "mathjax" / part, ignore=LEFT_OUT)
        else:
            shutil.copy2(source / part, out / "mathjax" / part)
    bundle = out / "mathjax" / BUNDLE  # a blank font that a browser would ask for, and complain that it gets none
    bundle.write_text(
        bundle.read_text(encoding="utf-8").replace("url('about:blank')", "local('MathJax_Blank')"), "utf-8"
    )


def build(out):
    "Write the site to the folder `out`; the pages."
    from pygments.formatters import HtmlFormatter

    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    pages = collect()
    names, known = addresses(pages), {p.name for p in pages}
    for p in pages:
        p.body = unique_ids(relinked(doclinks(p.body, p, names, known), p, known, out))
        heads = re.findall(r'<h2 id="([^"]*)">(.*?)<a class="anchor"', p.body)
        p.headings = [(i, re.sub(r"</?a\b[^>]*>", "", t)) for i, t in heads]
    parts = {part: [p for p in pages if p.part == part] for part in PARTS}
    for p in pages:
        (out / p.url).parent.mkdir(parents=True, exist_ok=True)
        (out / p.url).write_text(shell(p, parts, pages), encoding="utf-8")
    (out / "search-index.js").write_text(index(pages), encoding="utf-8")
    style = (SITE / "style.css").read_text(encoding="utf-8")
    (out / "style.css").write_text(style + HtmlFormatter(style="default").get_style_defs(".code"), encoding="utf-8")
    shutil.copy2(SITE / "search.js", out / "search.js")
    mathjax(out)
    return pages


def main():
    p = argparse.ArgumentParser(description="HTML pages from the committed notebooks and modules.")
    p.add_argument("--out", type=Path, default=ROOT / "_docs", help="folder for the pages (default: _docs)")
    a = p.parse_args()
    pages = build(a.out)
    size = sum(f.stat().st_size for f in a.out.rglob("*") if f.is_file()) / 1e6
    print(f"{len(pages)} pages in {a.out.name}/, {size:.0f} MB; open {a.out.name}/index.html")
    return 0


if __name__ == "__main__":
    sys.exit(main())
