"""Build the wheel from a copy of the tree, install it in clean environments and use it from another folder.

A clean environment holds the wheel and what one set of its requirements needs, core or core and [glue]: links to the
packages
that are installed beside the running Python, so nothing is downloaded. What the wheel does not declare is not there.
"""

import os
import re
import sys
import tempfile
import zipfile
from email import message_from_string
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement
from tree import copy_tree, files, run

HEAVY = ["matplotlib", "seaborn", "datasets", "ipywidgets", "IPython", "fastcore", "nbdev"]
PROBE = (
    """
import importlib, pkgutil, sys
from pathlib import Path
import increlora
home = Path(increlora.__file__).resolve()
assert home.is_relative_to(Path(sys.prefix).resolve()), f"increlora was imported from {home}, not from the wheel"
heavy = [m for m in %r if m in sys.modules]
assert not heavy, f"'import increlora' alone already imports {heavy}"
names = sorted(m.name for m in pkgutil.walk_packages(increlora.__path__, "increlora."))
names.remove("increlora.__main__")
for name in names: importlib.import_module(name)
print(f"{len(names)} submodules imported, version {increlora.__version__}")
"""
    % HEAVY
)
GLUE = [
    "--task_name",
    "pocket_reviews",
    "--method",
    "increlora",
    "--max_steps",
    "2",
    "--output_dir",
    "out",
    "--max_train_samples",
    "64",
    "--max_eval_samples",
    "32",
]
CORE = """
import warnings; warnings.simplefilter("ignore")
import torch
from peft import PeftModel, get_peft_model
from transformers import BertConfig, BertForSequenceClassification, PrinterCallback, Trainer, TrainingArguments
from increlora import Growth, IncreLoraCallback, IncreLoraConfig, Restart, RowAdamW, doctor, row_adamw
from increlora.export import save_as_lora
def base():
    torch.manual_seed(0)
    sizes = dict(vocab_size=50, hidden_size=16, num_hidden_layers=2, num_attention_heads=2, intermediate_size=32)
    return BertForSequenceClassification(BertConfig(**sizes))
rows = [{"input_ids": [i % 50, 3, 4], "labels": i % 2} for i in range(64)]
quiet = dict(use_cpu=True, report_to=[], save_strategy="no", disable_tqdm=True)
args = TrainingArguments("run", max_steps=20, per_device_train_batch_size=4, learning_rate=1e-2, **quiet)
model = get_peft_model(base(), IncreLoraConfig(task_type="SEQ_CLS"))
growing = dict(callbacks=[IncreLoraCallback(verbose=False)], optimizer_cls_and_kwargs=row_adamw(args))
trainer = Trainer(model=model, args=args, train_dataset=rows, **growing)
trainer.remove_callback(PrinterCallback)  # it prints seconds
trainer.train()
save_as_lora(model, "lora")
tokens = torch.arange(12).reshape(2, 6)
plain = PeftModel.from_pretrained(base(), "lora").eval()
same = torch.allclose(plain(tokens).logits, model.eval()(tokens).logits, atol=1e-5)
assert same, "the exported adapter computes something else"
own = get_peft_model(base(), IncreLoraConfig(task_type="SEQ_CLS"))
optimizer = RowAdamW(own.parameters(), lr=1e-3, restart=Restart(20, 2))
curve = torch.optim.lr_scheduler.LambdaLR(optimizer, Restart(20, 2))
print("trained, exported, examined:", len(doctor(own, optimizer, curve, 20)), "findings")
"""
LACKING = """
import contextlib, importlib, io, os
def said(module, name, *arguments):
    "What a function without its extra raises, or a command prints."
    function, text = getattr(importlib.import_module(f"increlora.{module}"), name), io.StringIO()
    try:
        with contextlib.redirect_stderr(text): assert function(*arguments) == 2, f"{module}.{name} ran"
    except ModuleNotFoundError as error: return str(error)
    return text.getvalue().strip()
command = ("glue.cli", "main")
grid = "--tasks rte --methods lora --seeds 0 --max_steps 1 --output_dir sweep"
for user, package, extra, *call in [
    ("increlora run", "datasets", "glue", *command, ["run", *%r]),
    ("increlora demo", "datasets", "glue", *command, ["demo"]),
    ("increlora sweep", "datasets", "glue", *command, ["sweep", *grid.split()]),
    ("load_task", "datasets", "glue", "glue.tasks", "load_task", "pocket_reviews"),
    ("metrics", "sklearn", "glue", "glue.tasks", "metrics", "rte", [1], [1]),
    ("t_interval", "scipy", "glue", "glue.table", "t_interval", [1, 2]),
    ("rank_heatmap", "matplotlib", "plots", "plots", "rank_heatmap", {"a": 1}),
    ("show", "matplotlib", "plots", "course.exercises", "show", None, ""),
]:
    sentence = f"{user} needs the package '{package}'; install it with: pip install 'increlora[{extra}]'"
    got = said(*call)
    assert got in (sentence, f"{user}: error: {sentence}"), (sentence, got)
left = {"out", "demo_output", "sweep"} & set(os.listdir())
assert not left, f"a refused command left {left}"
print("commands and functions name the extra that they lack")
"""


class Failed(Exception):
    pass


def must(process, what):
    "The text of a finished command, or a `Failed` with its last lines."
    if process.returncode:
        raise Failed(f"{what}\n" + "\n".join((process.stdout + process.stderr).strip().splitlines()[-12:]))
    return process.stdout.strip()


def build(work):
    "The wheel; `pip install -e` has already tried an isolated build, so this one downloads nothing."
    tree = copy_tree(work / "tree")
    must(
        run(sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", work / "dist", cwd=tree),
        "python -m build --wheel failed",
    )
    return next((work / "dist").glob("*.whl"))


def needed(requirements, extra, found=None):
    "Every installed distribution that these requirements lead to: name -> distribution."
    found = {} if found is None else found
    for r in map(Requirement, requirements):
        name = re.sub(r"[-_.]+", "-", r.name).lower()
        if name in found or r.marker and not r.marker.evaluate({"extra": extra}):
            continue
        try:
            found[name] = distribution(r.name)
        except PackageNotFoundError:
            continue  # for a CUDA build of torch, or another kind of machine
        for wanted in r.extras or [""]:
            needed(found[name].requires or [], wanted, found)
    return found


def environment(work, wheel, extra=""):
    "A clean environment: the wheel, and links to what its requirements (and those of the extra) lead to."
    env = work / f"clean-{extra or 'core'}"
    must(run(sys.executable, "-m", "venv", "--without-pip", env), "python -m venv failed")
    python = env / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    must(
        run(sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-deps", wheel),
        "installing the wheel failed",
    )
    site = Path(
        must(
            run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"),
            "the clean environment does not start",
        )
    )
    declared = message_from_string(metadata(wheel)).get_all("Requires-Dist")
    for d in needed([*declared, "setuptools"], extra).values():
        for top in {Path(f).parts[0] for f in d.files or [] if Path(f).parts[0] not in ("..", "__pycache__")}:
            source = Path(d.locate_file(top))
            if source.exists() and not (site / top).exists():
                (site / top).symlink_to(source, target_is_directory=source.is_dir())
    return python


def metadata(wheel):
    "The METADATA file of a wheel, as text."
    with zipfile.ZipFile(wheel) as z:
        return z.read(next(n for n in z.namelist() if n.endswith("METADATA"))).decode()


def page(wheel):
    "What a package index shows: addresses everywhere, and every extra declared."
    text = metadata(wheel)
    head, (_, _, description) = message_from_string(text), text.partition("\n\n")
    if near := re.findall(r"\]\((?!https?:|#)([^)]*)\)", description):
        raise Failed(f"the long description links to {near[0]!r}, which an index cannot show")
    wanted = {"glue", "plots", "course", "dev", "all"}
    if missing := wanted - set(head.get_all("Provides-Extra") or []):
        raise Failed(f"the wheel lacks the extras {', '.join(sorted(missing))}")
    urls = head.get_all("Project-URL") or []
    if not urls:
        raise Failed("the wheel has no project URLs")
    core = [r for r in head.get_all("Requires-Dist") if "extra ==" not in r]
    return f"{len(core)} requirements of the core, {len(wanted)} extras, {len(urls)} project URLs"


def core(python, work):
    "What works without any extra, and how commands and functions say which one they lack."
    return must(
        run(python, "-I", "-W", "ignore", "-c", PROBE + CORE + LACKING % GLUE, cwd=work), "the core does not work alone"
    )


def glue(python, work):
    "A run of the command line with [glue] alone: everything but the picture."
    r = run(python.parent / "increlora", "run", *GLUE, cwd=work)
    must(r, "increlora run does not work with [glue]")
    if "pip install 'increlora[plots]'" not in r.stderr:
        raise Failed("increlora run does not say that the picture of the ranks needs [plots]\n" + r.stderr[-800:])
    return "increlora run works with [glue], without a picture"


def contents(wheel):
    "Every file of the package must be inside the wheel."
    inside = set(zipfile.ZipFile(wheel).namelist())
    wanted = [f for f in files() if f.startswith("increlora/")]
    if missing := [f for f in wanted if f not in inside]:
        raise Failed(f"the wheel lacks {', '.join(missing)}")
    pocket = [f for f in wanted if f.startswith("increlora/glue/pocket/")]
    return f"{len(inside)} files, {len(pocket)} of them of the pocket model, {wheel.stat().st_size / 1e6:.2f} MB"


def scripts(python, work):
    "`--help` of the command and of each of its words."
    usage = must(run(python.parent / "increlora", "--help", cwd=work), "increlora --help failed")
    words = re.findall(r"(?m)^  (\w+) ", usage)
    for word in words:
        text = must(run(python.parent / "increlora", word, "--help", cwd=work), f"increlora {word} --help failed")
        if "usage" not in text.lower():
            raise Failed(f"increlora {word} --help shows no usage")
    return f"--help of increlora {', '.join(words)}"


def main():
    with tempfile.TemporaryDirectory() as tmp:
        work = Path(tmp).resolve()
        for name in ("core", "glue"):
            (work / name).mkdir()
        try:
            wheel = build(work)
            print(f"  {wheel.name}: {contents(wheel)}; {page(wheel)}", flush=True)
            python = environment(work, wheel)
            print("  core: " + core(python, work / "core").replace("\n", "\n  core: "), flush=True)
            python = environment(work, wheel, "glue")
            print("  glue: " + scripts(python, work / "glue"), flush=True)
            print("  glue: " + glue(python, work / "glue"), flush=True)
        except Failed as e:
            print("  " + str(e).replace("\n", "\n    "))
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
