"""PEFT's own tests, with IncreLoRA in the place of PEFT's methods. They are fetched with pip, in the installed version,
and never kept in git.

python .github/scripts/peft_suite.py                all of it (some 10 minutes on one core): a table per file, then why
                                                    tests were skipped
python .github/scripts/peft_suite.py --quick        every 13th case of three files, about a minute
python .github/scripts/peft_suite.py -k merge       only tests whose name contains "merge"
python .github/scripts/peft_suite.py --self-test    break the tuner in a few places; every time some of the tests must
                                                    fail
python .github/scripts/peft_suite.py --sdist FILE   with a source distribution of PEFT that is here already

Exit status: 0 nothing failed, 1 something failed or too little ran, 3 PEFT's tests could not be obtained.

What is plugged in
  Parametrized tests: wherever a list of cases names a method, the cases become IncreLoRA's: each layout of targets
  (model, target_modules, modules_to_save, ...) that some method is tested with, once per variant: growth ahead; the
  released code's choices; nothing left to grow; already grown, to ranks that differ at every injection, so that loading
  has to adopt them.
  That covers custom models, several active adapters, decoders, encoder-decoders, feature extraction, sequence and token
  classification, question answering, configurations, injection without a PeftModel, and state dicts under FSDP.
  Tests written out for LoRA that are about PEFT: LoraConfig(...) gives an IncreLoraConfig there.
  PEFT's lists of methods that work with Conv1D and DeBERTa do not know IncreLoRA; they are put out of action.
  Models of the hub: random ones of the same architecture, in a local folder laid out like the hub's cache
  (tiny_models.py).
What is left out, and why
  Cases of other methods; layouts that target other than linear layers; options and features that only LoRA has (DoRA,
  target_parameters, trainable tokens, rank_pattern, mixed batches, ...); tests that name LoRA's classes or tensors. The
  list is LEFT_OUT in peft_cases.py. A test that needs anything else from the hub is skipped as "needs a hub". No
  allocator runs in PEFT's training loops: they are shorter than the tuner's patience.
"""

import argparse
import os
import re
import subprocess
import sys
import tarfile
import tempfile
import time
from pathlib import Path

from tree import ROOT, environ

NOT_OBTAINED = 3
FILES = (
    "config",
    "mapping",
    "low_level_api",
    "tuners_utils",
    "other",
    "hub_features",
    "helpers",
    "custom_models",
    "seq_classifier",
    "token_classification_qa",
    "feature_extraction_models",
    "encoder_decoder_models",
    "decoder_models",
)
QUICK = ("config", "custom_models", "seq_classifier")
# what is broken: (file, names) of tests of which one must fail
BROKEN = {
    "unmerge": ("custom_models", "merge_layers and growing"),
    "loading": ("custom_models", "save_load_roundtrip and grown"),
    "safe_merge": ("decoder_models", "nan and OPT"),
    "deleting": ("custom_models", "delete_adapter and growing"),
    "dropout": ("custom_models", "merge_and_unmerge and official"),
}
ENOUGH = 3000  # tests that run at least; fewer, and PEFT's lists of cases have moved


def obtain(cache, version, sdist):
    "(folder of PEFT's tests in this version, None), or (None, why not)."
    folder = cache / f"peft-{version}"
    if (folder / "tests" / "__init__.py").exists():
        return folder, None
    with tempfile.TemporaryDirectory() as tmp:
        if sdist is None:
            r = subprocess.run(
                [
                    sys.executable,
                    "-m",
                    "pip",
                    "download",
                    "--quiet",
                    "--disable-pip-version-check",
                    "--no-deps",
                    "--no-binary",
                    ":all:",
                    "--no-build-isolation",
                    "--dest",
                    tmp,
                    f"peft=={version}",
                ],
                env=environ(),
                capture_output=True,
                text=True,
            )
            if r.returncode:
                return None, (r.stderr.strip().splitlines() or ["pip said nothing"])[-1]
            sdist = next(Path(tmp).glob("peft-*.tar.gz"))
        unpack(sdist, folder / "tests", version)
    return folder, None


def unpack(sdist, tests, version):
    "The Python files in the tests folder of a source distribution; nothing else, and nowhere else."
    tests.mkdir(parents=True, exist_ok=True)
    with tarfile.open(sdist) as tar:
        for member in tar:
            if member.isfile() and re.fullmatch(rf"peft-{re.escape(version)}/tests/\w+\.py", member.name):
                (tests / Path(member.name).name).write_bytes(tar.extractfile(member).read())
    if not list(tests.glob("test_*.py")):
        sys.exit(f"error: {sdist} holds no tests of PEFT {version}")
    (tests / "__init__.py").touch()  # last; the tests import each other relatively


def without_diffusers():
    "PEFT's tests ask whether a model is a diffusers pipeline. Without diffusers none is."
    import importlib.machinery
    import importlib.util
    import types

    if importlib.util.find_spec("diffusers"):
        return
    sys.modules["diffusers"] = module = types.ModuleType("diffusers")
    module.__spec__, module.__version__ = importlib.machinery.ModuleSpec("diffusers", None), "0"
    module.StableDiffusionPipeline = type("StableDiffusionPipeline", (), {})


class Known(dict):
    "PEFT's tests go online for a model that they have not seen. Here each has been seen."

    def __contains__(self, name):
        return True

    def __missing__(self, name):
        return 0


def run_tests(folder, a):
    "Run them in this process; (pytest's exit status, the plugin with its counts)."
    import pytest
    from peft_cases import Plugin

    sys.path.insert(0, str(folder))
    without_diffusers()
    from tests import testing_utils

    testing_utils._HUB_MODEL_ACCESSES = Known()
    plugin = Plugin(a.quick)
    files = [folder / "tests" / f"test_{f}.py" for f in a.files or (QUICK if a.quick else FILES)]
    if missing := [f.name for f in files if not f.exists()]:
        sys.exit(f"error: this version of PEFT has no {', '.join(missing)}")
    options = [
        "-q",
        "--no-header",
        "-rN",
        "--tb",
        "short",
        "-W",
        "ignore",
        "-p",
        "no:cacheprovider",
        "--rootdir",
        folder,
        "-c",
        os.devnull,
    ]
    if not a.verbose:
        options += ["--show-capture", "no"]
    return pytest.main([str(x) for x in [*files, *options, *(["-k", a.k] if a.k else [])]], plugins=[plugin]), plugin


def break_tuner(what):
    "Take one thing out of the tuner, in this process only."
    from torch import nn

    from increlora import tuner as t

    merge, update = t.MergeableLayer.merge, t.IncreLoraLayer.update_layer
    if what == "unmerge":
        t.MergeableLayer.unmerge = lambda self: self.merged_adapters.clear()
    if what == "loading":
        t.adopt = t.note_ranks = lambda *args: None  # ranks come from the tensors and from the configuration
    if what == "safe_merge":
        t.MergeableLayer.merge = lambda self, safe_merge=False, adapter_names=None: merge(self, False, adapter_names)
    if what == "deleting":
        t.IncreLoraLayer.other_param_names = ()
    if what == "dropout":
        t.IncreLoraLayer.update_layer = lambda self, name, *args, **more: (
            update(self, name, *args, **more),
            self.increlora_dropout[name].train(),
            None,
        )[-1]
    assert isinstance(t.IncreLoraLinear(nn.Linear(2, 2), "default", t.IncreLoraConfig()), nn.Module)  # it still runs


def self_test(a):
    "Every broken tuner must make a test fail."
    missed = 0
    for what, (file, names) in BROKEN.items():
        r = subprocess.run(
            [sys.executable, __file__, file, "-k", names, "--broken", what, "--cache", str(a.cache)],
            capture_output=True,
            text=True,
        )
        caught = r.returncode == 1 and re.search(r"[1-9]\d* failed, \d+ skipped in", r.stdout)
        missed += not caught
        print(
            f"{what}: {'caught' if caught else 'NOT CAUGHT'}: {(r.stdout.strip().splitlines() or ['?'])[-1]}",
            flush=True,
        )
    return 1 if missed else 0


def report(plugin):
    "The figures; returns the totals."
    total = {k: sum(c[k] for c in plugin.counts.values()) for k in ("passed", "failed", "skipped")}
    print(f"\n{'':35}" + "".join(f"{k:>9}" for k in total))
    for file, c in plugin.counts.items():
        print(f"{file:35}" + "".join(f"{c[k]:9}" for k in total))
    print("\nskipped")
    for kind, details in sorted(plugin.skipped.items(), key=lambda x: -sum(x[1].values())):
        named = [d for d, _ in details.most_common(4) if d]
        print(
            f"{sum(details.values()):7}  {kind}"
            + (f" ({', '.join(named)}{', ...' if len(details) > 4 else ''})" if named else "")
        )
    print("\nleft out before running (test cases)")
    for reason, n in plugin.left_out.most_common():
        print(f"{n:7}  {reason}")
    for test in plugin.failed:
        print(f"\nFAILED {test}", end="")
    return total


def main():
    p = argparse.ArgumentParser(description="PEFT's own tests, with IncreLoRA plugged in.")
    p.add_argument("files", nargs="*", metavar="file", help=f"of these: {' '.join(FILES)} (default: all)")
    p.add_argument("-k", help="only tests whose name matches, as in pytest")
    p.add_argument("--quick", action="store_true", help="a part, about a minute")
    p.add_argument("--sdist", type=Path, help="source distribution of the installed PEFT (default: pip downloads it)")
    p.add_argument(
        "--cache",
        type=Path,
        default=ROOT / ".venv" / "peft_suite",
        help="folder for PEFT's tests and the tiny models (default: %(default)s)",
    )
    p.add_argument("--verbose", action="store_true", help="with the output of failed tests")
    p.add_argument("--self-test", action="store_true", help="break the tuner in a few places; the tests must notice")
    p.add_argument("--broken", choices=list(BROKEN), help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.self_test:
        return self_test(a)
    os.environ.update(
        environ(HF_HUB_CACHE=str(a.cache / "hub"), HF_HUB_DISABLE_PROGRESS_BARS="1")
    )  # before the libraries read them
    start = time.time()
    import peft

    folder, why = obtain(a.cache, peft.__version__, a.sdist)
    if folder is None:
        print(f"PEFT {peft.__version__}: its tests were not obtained, nothing was tested. pip: {why}")
        return NOT_OBTAINED
    import tiny_models

    tiny_models.make(a.cache / "hub")
    print(f"PEFT {peft.__version__}", flush=True)
    if a.broken:
        break_tuner(a.broken)
    status, plugin = run_tests(folder, a)
    total = report(plugin)
    few = not (a.quick or a.k or a.files) and sum(total.values()) < ENOUGH
    if few:
        print(f"\nerror: only {sum(total.values())} tests ran, at least {ENOUGH} were expected")
    print(
        f"\n{total['passed']} passed, {total['failed']} failed, {total['skipped']} skipped in "
        f"{time.time() - start:.0f} s",
        flush=True,
    )
    return 1 if few or status else 0


if __name__ == "__main__":
    sys.exit(main())
