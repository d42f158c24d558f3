"""Open every page of the site in a headless Chromium and look at what a reader would see.

python .github/scripts/pages.py [--out _docs] [--screenshots FOLDER] [page ...]     (test.py pages)

Per page: nothing in the console, no request to a network, every formula typeset, no raw TeX in the text, every
picture there and with words for those who cannot see it, headings in order, nothing wider than a window of 1200
pixels. Then the search is used as a reader uses it. CHROMIUM names another browser than the one that is found.
"""

import argparse
import base64
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote

import docs
from tree import ROOT

NAMES = ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome"]
FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--hide-scrollbars",
    "--remote-debugging-port=0",
    "--window-size=1200,900",
]
SEARCHES = {
    "orthogonality": "02_orthogonality",
    "errata": "evidence/errata",
    "RowAdamW": "api/optim",
    "conftribution": None,
}
LOOK = (docs.SITE / "look.js").read_text(encoding="utf-8")


# --- what needs no browser ---


class Links(HTMLParser):
    "The ids of a page, and where its links lead."

    def __init__(self, text):
        super().__init__()
        self.ids, self.targets = set(), []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        attrs = dict(attrs)
        if attrs.get("id"):
            self.ids.add(attrs["id"])
        for name in ("href", "src"):
            if attrs.get(name):
                self.targets.append(attrs[name])


def broken_links(out):
    "One line per link of the site that leads nowhere, its section included."
    parsed = {
        f.resolve(): Links(f.read_text(encoding="utf-8"))
        for f in sorted(out.rglob("*.html"))
        if "mathjax" not in f.parts
    }
    for page, links in parsed.items():
        for target in links.targets:
            if target.startswith(("https:", "http:", "mailto:", "data:")):
                continue
            file, _, section = target.partition("#")
            file = file.partition("?")[0]
            there = (page.parent / unquote(file)).resolve() if file else page
            if not there.is_file():
                yield f"{page.relative_to(out.resolve())}: {target} is not there"
            elif section and there in parsed and unquote(section) not in parsed[there].ids:
                yield f"{page.relative_to(out.resolve())}: {target} has no such section"


# --- the browser ---


def browser():
    "The path of a Chromium, or None."
    return os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)


class Tab:
    "A page of a headless Chromium, spoken to over its debugging socket."

    def __init__(self, program):
        self.folder = tempfile.mkdtemp(prefix="pages-")
        self.process = subprocess.Popen(
            [program, *FLAGS, f"--user-data-dir={self.folder}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        self.number, self.events = 0, []
        try:
            self.connect()
        except BaseException:
            self.close()
            raise

    def connect(self):
        import websocket

        note = Path(self.folder) / "DevToolsActivePort"
        for _ in range(600):
            if note.exists() and len(lines := note.read_text().split()) == 2:
                break
            if self.process.poll() is not None:
                raise RuntimeError(f"the browser ended with status {self.process.returncode}")
            time.sleep(0.1)
        with urllib.request.urlopen(f"http://127.0.0.1:{lines[0]}/json") as r:
            target = next(t for t in json.load(r) if t["type"] == "page")
        self.socket = websocket.create_connection(target["webSocketDebuggerUrl"], suppress_origin=True, timeout=120)
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(domain + ".enable")

    def call(self, method, **params):
        "Send a command; its result. What happens meanwhile is kept in `events`."
        self.number += 1
        self.socket.send(json.dumps({"id": self.number, "method": method, "params": params}))
        while True:
            answer = json.loads(self.socket.recv())
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']['message']}")
                return answer["result"]
            self.events.append(answer)

    def run(self, script):
        "The value of a script in the page."
        r = self.call("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        if "exceptionDetails" in r:
            raise RuntimeError(str(r["exceptionDetails"].get("exception", r["exceptionDetails"]).get("description")))
        return r["result"].get("value")

    def open(self, address):
        self.events.clear()
        r = self.call("Page.navigate", url=address)
        while "errorText" not in r and not any(e.get("method") == "Page.loadEventFired" for e in self.events):
            self.events.append(json.loads(self.socket.recv()))

    def complaints(self):
        "What the console says, and requests that leave the machine or fail."
        for e in self.events:
            p = e.get("params", {})
            if e["method"] == "Runtime.consoleAPICalled" and p["type"] in ("error", "warning", "assert"):
                yield "console: " + " ".join(str(x.get("value", x.get("description"))) for x in p["args"])
            if e["method"] == "Runtime.exceptionThrown":
                yield "error: " + str(
                    p["exceptionDetails"].get("exception", {}).get("description", p["exceptionDetails"]["text"])
                )
            if e["method"] == "Log.entryAdded" and p["entry"]["level"] in ("error", "warning"):
                yield f"console: {p['entry']['text']} {p['entry'].get('url', '')}"
            if e["method"] == "Network.requestWillBeSent" and not p["request"]["url"].startswith(
                ("file:", "data:", "blob:")
            ):
                yield "asks the network for " + p["request"]["url"][:120]
            if e["method"] == "Network.loadingFailed" and not p.get("canceled"):
                yield "a file does not load: " + p["errorText"]

    def screenshot(self, path, height):
        self.call(
            "Emulation.setDeviceMetricsOverride",
            width=1200,
            height=min(height, 16000),
            deviceScaleFactor=1,
            mobile=False,
        )
        data = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True)["data"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(data))
        self.call("Emulation.clearDeviceMetricsOverride")

    def close(self):
        self.process.terminate()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


def look(tab, file, shots=None, name=""):
    "(what is wrong with one page, what was seen of it)."
    tab.open(file.resolve().as_uri())
    seen = tab.run(LOOK)
    wrong = seen["found"] + list(tab.complaints())
    if shots:
        tab.screenshot(shots / (name.replace("/", "-") + ".png"), seen["height"])
    return wrong, seen


def search_works(tab, out):
    "Type words into the search box of two pages; the page that is meant must be among the first three answers."
    for start in ("index.html", "api/optim.html"):
        for word, wanted in SEARCHES.items():
            tab.open((out / start).resolve().as_uri())
            tab.run("document.getElementById('search').focus()")
            tab.call("Input.insertText", text=word)
            found = tab.run("[...document.querySelectorAll('#results a')].slice(0, 3).map((a) => a.href)")
            files = [Path(unquote(f.partition("#")[0].removeprefix("file://"))) for f in found]
            if wanted is None and found:
                yield f"{start}: the search for {word!r}, which stands nowhere, finds {found[0]}"
            elif wanted and not any(f.as_posix().endswith(f"/{wanted}.html") for f in files):
                yield f"{start}: {wanted} is not among the first answers to {word!r}: {found}"
            yield from (f"{start}: the answer to {word!r} leads nowhere: {f}" for f in files if not f.is_file())
        yield from (f"{start}: {c}" for c in tab.complaints())


def check(out, shots=None, only=()):
    "Every complaint about the site in `out`, and a line about what was seen; needs a browser."
    bad, formulas, pictures, cut, names = [], 0, 0, 0, []
    tab = Tab(browser())
    try:
        for file in sorted(out.rglob("*.html")):
            name = file.relative_to(out).with_suffix("").as_posix()
            if name.startswith("mathjax/") or only and name not in only:
                continue
            wrong, seen = look(tab, file, shots, name)
            bad += [f"{name}: {w}" for w in wrong]
            names.append(name)
            formulas, pictures, cut = formulas + seen["formulas"], pictures + seen["pictures"], cut + seen["cut"]
        if not only:
            bad += search_works(tab, out)
    finally:
        tab.close()
    return bad, f"{len(names)} pages, {formulas} formulas, {pictures} pictures, {cut} cells of code wider than the page"


def main():
    p = argparse.ArgumentParser(description="Look at every page of the site in a headless Chromium.")
    p.add_argument("pages", nargs="*", help="only these, e.g. 03_importance api/optim")
    p.add_argument("--out", type=Path, default=ROOT / "_docs", help="folder of the site, built anew (default: _docs)")
    p.add_argument("--screenshots", type=Path, help="write a picture of each page, 1200 pixels wide, to this folder")
    a = p.parse_args()
    if not browser():
        print("  skipped: there is no Chromium or Chrome; install one, or name it: CHROMIUM=/path/to/it")
        return 3
    docs.build(a.out)
    bad, seen = check(a.out, a.screenshots, a.pages)
    bad += list(broken_links(a.out))
    for line in bad:
        print("  " + line)
    print("  " + seen)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
