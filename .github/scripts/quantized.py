"""IncreLoRA on quantized base models, loaded as users load them, on this CPU. bitsandbytes and torchao are fetched with
pip, into a temporary folder.

python .github/scripts/quantized.py                  every kind and case, about a minute on one core: a line per case
python .github/scripts/quantized.py nf4 int8         only kinds whose name begins so
python .github/scripts/quantized.py -k merge         only this case
python .github/scripts/quantized.py --self-test      break the tuner in a few places; every time a case must fail
python .github/scripts/quantized.py --packages DIR   with the two packages in this folder already

Exit status: 0 nothing failed, 1 something failed, 3 the packages could not be obtained.

Every kind runs every case, on a small decoder with random weights that transformers quantizes while it loads it.
Untested: every kind on a GPU, and what needs one or further packages: torchao's int4 and float8 with rounded
activations, GPTQ, AWQ, HQQ, AQLM, EETQ, INC, TransformerEngine.
"""

import argparse
import functools
import os
import subprocess
import sys
import tempfile
import time
import warnings
from collections import Counter
from pathlib import Path

from tree import ROOT, environ

PACKAGES = ("bitsandbytes==0.50.2", "torchao==0.18.0")
NOT_OBTAINED, NOT_HERE = 3, 4
UPDATES, RANK = 12, 24  # 14 modules grow from rank 1: five rounds of two winners, at the updates 2, 4, 6, 8 and 10
# what is broken: the case that must fail
BROKEN = {
    "backend": "start",
    "scores": "choices",
    "base": "frozen",
    "order": "evaluation",
    "loading": "load",
    "switch": "disable",
    "delta": "merge",
    "export": "export",
}


class NotHere(Exception):
    "This case cannot be, for this kind or on this machine."


# --- the models ---


def kinds():
    """Name -> (transformers' configuration, type of the weights that are not quantized, why a run on float weights may
    choose otherwise: '' if it may not).
    """
    import torch
    import torchao.quantization as ao
    from transformers import BitsAndBytesConfig, TorchAoConfig

    four, eight, group = (
        functools.partial(BitsAndBytesConfig, load_in_4bit=True),
        ao.Int8WeightOnlyConfig,
        ao.PerGroup(32),
    )
    return {
        "nf4 (bitsandbytes)": (four(bnb_4bit_quant_type="nf4"), torch.float32, ""),
        "nf4 twice, bfloat16 (bitsandbytes)": (
            four(bnb_4bit_quant_type="nf4", bnb_4bit_use_double_quant=True, bnb_4bit_compute_dtype=torch.bfloat16),
            torch.bfloat16,
            "",
        ),
        "fp4 (bitsandbytes)": (four(bnb_4bit_quant_type="fp4"), torch.float32, ""),
        "int8 (bitsandbytes)": (BitsAndBytesConfig(load_in_8bit=True), torch.float32, ""),
        "int8 weight (torchao)": (TorchAoConfig(eight()), torch.float32, ""),
        "int8 weight, bfloat16 (torchao)": (
            TorchAoConfig(eight()),
            torch.bfloat16,
            "scales follow the product, which rounds otherwise in bfloat16",
        ),
        "int8 dynamic (torchao)": (
            TorchAoConfig(ao.Int8DynamicActivationInt8WeightConfig()),
            torch.float32,
            "activations are rounded, too",
        ),
        "float8 weight (torchao)": (TorchAoConfig(ao.Float8WeightOnlyConfig()), torch.float32, ""),
        "int4 weight, plain layout (torchao)": (
            TorchAoConfig(ao.IntxWeightOnlyConfig(weight_dtype=torch.int4, granularity=group)),
            torch.float32,
            "",
        ),
    }


def write_base(folder):
    "A Llama with random weights and biases, saved as a user's model is."
    import torch
    from transformers import LlamaConfig, LlamaForCausalLM

    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            hidden_size=64,
            num_hidden_layers=2,
            num_attention_heads=2,
            num_key_value_heads=2,
            intermediate_size=128,
            vocab_size=96,
            max_position_embeddings=32,
            attention_bias=True,
            mlp_bias=True,
            initializer_range=0.2,
        )
    )
    for name, p in model.named_parameters():
        if name.endswith("bias"):
            torch.nn.init.normal_(p, std=0.1)
    model.save_pretrained(folder)


def batch(step):
    import torch

    tokens = torch.randint(0, 96, (4, 12), generator=torch.Generator().manual_seed(step))
    return {"input_ids": tokens, "labels": tokens}


def logits(model, training=False):
    import torch

    with torch.no_grad():
        return model.train(training)(input_ids=batch(99)["input_ids"]).logits.float()


def adapted(base, **options):
    "`base` with an adapter; the same vectors at every call."
    import torch
    from peft import get_peft_model

    from increlora import IncreLoraConfig

    torch.manual_seed(1)
    settings = {
        "task_type": "CAUSAL_LM",
        "target_modules": "all-linear",
        "target_total_rank": RANK,
        "top_h": 2,
        "interval": 2,
        "lora_alpha": 100,
        **options,
    }
    return get_peft_model(base, IncreLoraConfig(**settings))


def train(model, evaluate=False):
    "The loop of notebook `engine/training`; the winners of every update."
    from increlora import Growth
    from increlora.optim import RowAdamW

    optimizer = RowAdamW([p for p in model.parameters() if p.requires_grad], lr=1e-2)
    growth, winners = Growth(model, optimizer, UPDATES), []
    for step in range(UPDATES):
        model.train()(**batch(step)).loss.backward()
        winners.append(growth.step())
        optimizer.step()
        optimizer.zero_grad()
        if evaluate:
            logits(model)
    return winners


def tensors(module):
    """Every tensor that a quantized model consists of, bit for bit: parameters, buffers, and what a quantized weight
    holds inside.
    """
    import torch

    found = {}

    def add(name, value, depth=0):
        if hasattr(value, "__tensor_flatten__"):
            for part in value.__tensor_flatten__()[0]:
                add(f"{name}.{part}", getattr(value, part))
        elif isinstance(value, torch.Tensor):
            found[name] = value.detach().clone().as_subclass(torch.Tensor)
        if depth < 3 and hasattr(value, "__dict__"):  # bitsandbytes: quant_state.state2.absmax
            for part, inner in vars(value).items():
                if isinstance(inner, torch.Tensor) or part in ("quant_state", "state2"):
                    add(f"{name}.{part}", inner, depth + 1)

    for name, value in [*module.named_parameters(), *module.named_buffers()]:
        if "increlora_" not in name and "lora_" not in name:
            add(name, value)
    for name, m in module.named_modules():
        if hasattr(m, "state"):
            add(f"{name}.state", m.state)
    return found


class Kind:
    "One kind of quantization: base models, all equal, and an adapter trained on one of them."

    def __init__(self, config, dtype, unlike, folder, place):
        self.config, self.dtype, self.unlike, self.folder, self.place = config, dtype, unlike, folder, place

    def base(self, kept=True):
        """A freshly quantized model; with `kept`, its 4-bit weights stay in their order, as IncreLoRA's training sees
        to.
        """
        import copy

        from transformers import AutoModelForCausalLM

        from increlora.compat import keep_order

        model = AutoModelForCausalLM.from_pretrained(
            self.folder, quantization_config=copy.deepcopy(self.config), dtype=self.dtype
        )
        if kept:
            keep_order(model)
        return model

    def quantized(self, model):
        "Module name -> (module, backend), of the modules that PEFT finds quantized."
        from peft.utils import get_quantization_kwargs, resolve_quantization_backend

        found = {
            name: (m, resolve_quantization_backend(m, **get_quantization_kwargs(model)))
            for name, m in model.named_modules()
            if hasattr(m, "weight")
        }
        return {name: pair for name, pair in found.items() if pair[1] is not None}

    def dequantized(self):
        "The same weights as numbers, in a model that knows no quantization."
        from transformers import AutoModelForCausalLM

        model = AutoModelForCausalLM.from_pretrained(self.folder, dtype=self.dtype)
        for name, (m, backend) in self.quantized(self.base()).items():
            model.get_submodule(name).weight.data = backend.get_base_weight(m).to(self.dtype)
        return model

    @functools.cached_property
    def trained(self):
        "(model, winners) after training."
        model = adapted(self.base(kept=False))
        return model, train(model)

    @functools.cached_property
    def saved(self):
        "Folder of the trained adapter."
        self.trained[0].save_pretrained(self.place / "adapter")
        return self.place / "adapter"

    @functools.cached_property
    def exported(self):
        "Folder of the trained adapter as LoRA."
        from increlora.export import save_as_lora

        save_as_lora(self.trained[0], self.place / "lora")
        return self.place / "lora"

    def load(self, folder):
        "An adapter on a fresh base; not for inference only, so that the order of 4-bit weights is kept."
        from peft import PeftModel

        return PeftModel.from_pretrained(self.base(), str(folder), is_trainable=True)


# --- the cases: each returns figures, or fails ---


def apart(a, b):
    return (a - b).abs().max().item()


def distance(number):
    return f"{number:.0e} apart" if number else "equal"


def must(holds, text):
    if not holds:
        raise AssertionError(text)


def start(kind):
    "PEFT finds the kind; the adapted model starts as its base: bit for bit, or within what the reserve adds."
    base = kind.base()
    count, wanted = len(kind.quantized(base)), logits(base)
    layers = adapted(kind.base()).base_model.adapted_layers("default").values()
    backends = Counter(
        layer.quantization_backend.backend_name if layer.quantization_backend else "none" for layer in layers
    )
    must(
        backends == {next(iter(backends)): count} and count == 14 and "none" not in backends,
        f"backends {dict(backends)}, {count} quantized modules",
    )
    must(
        apart(logits(adapted(kind.base(), advance_learning=False)), wanted) == 0, "not the base model without a reserve"
    )
    with_reserve = apart(logits(adapted(kind.base())), wanted)
    # where activations are rounded, a tiny change becomes a step
    must(
        with_reserve < 0.01 * wanted.abs().max().item() or kind.unlike, f"the reserve changes logits by {with_reserve}"
    )
    return f"{count} modules, backend {next(iter(backends))!r}; logits equal; with a reserve {distance(with_reserve)}"


def choices(kind):
    "The run grows the modules that it grows on the same weights in floating point."
    winners = kind.trained[1]
    rounds = sum(bool(w) for w in winners)
    must(rounds >= 4, f"{rounds} rounds")
    if kind.unlike:
        raise NotHere(f"it grows, but float weights may choose otherwise: {kind.unlike}")
    model = adapted(kind.dequantized())
    floating = train(model)
    must(floating == winners, f"other choices: {winners} and in floating point {floating}")
    gap = apart(
        logits(model, True), logits(kind.trained[0], True)
    )  # in training mode, as bitsandbytes evaluates int8 with rounded activations
    return (
        f"{rounds} rounds, {sum(sum(w.values()) for w in winners)} components, the same as on float weights; "
        f"logits then {distance(gap)}"
    )


def frozen(kind):
    "Training leaves every tensor of the base model as it was."
    model = adapted(kind.base())
    logits(model)  # bitsandbytes stores int8 weights elsewhere at the first call
    before = tensors(model.get_base_model())
    train(model)
    after = tensors(model.get_base_model())
    must(before.keys() == after.keys(), f"other tensors: {sorted(before.keys() ^ after.keys())[:3]}")
    changed = [
        name for name in before if before[name].dtype != after[name].dtype or not before[name].equal(after[name])
    ]
    must(not changed, f"changed: {changed[:3]}")
    return f"{len(before)} tensors, bit for bit"


def evaluation(kind):
    "Evaluating between the updates changes nothing."
    model = adapted(kind.base(kept=False))
    winners = train(model, evaluate=True)
    must(winners == kind.trained[1], "other choices")
    must(apart(logits(model), logits(kind.trained[0])) == 0, "other logits")
    return "12 evaluations, equal choices and logits"


def load(kind):
    "Saved and loaded onto an equal base: the same outputs."
    model = kind.load(kind.saved)
    ranks = [c.rank for c in model.base_model.components("default").values()]
    must(sum(ranks) == RANK, f"total rank {sum(ranks)}")
    must(
        apart(logits(model), logits(kind.trained[0])) == 0,
        f"logits {apart(logits(model), logits(kind.trained[0])):.0e} apart",
    )
    return f"ranks {min(ranks)} to {max(ranks)}, logits equal"


def disable(kind):
    "Switched off, the adapter leaves the base model."
    model, wanted = kind.trained[0], logits(kind.base())
    with model.disable_adapter():
        must(apart(logits(model), wanted) == 0, "not the base model")
    must(apart(logits(model), wanted) > 0.01, "the adapter does nothing")
    return "logits of the base model"


def merge(kind):
    "Merging and unmerging round as PEFT's LoRA does with the same update."
    from peft import PeftModel

    ours, lora = kind.load(kind.saved), PeftModel.from_pretrained(kind.base(), str(kind.exported))
    plain = {name: backend.get_base_weight(m).float() for name, (m, backend) in kind.quantized(kind.base()).items()}
    update = {
        name: layer.get_delta_weight("default").detach().float()
        for name, layer in ours.base_model.adapted_layers("default").items()
    }
    before = logits(ours)
    try:
        lora.merge_adapter()
    except (TypeError, NotImplementedError) as error:
        raise NotHere(f"PEFT's LoRA does not merge: {error}") from None
    ours.merge_adapter()
    merged = weight_errors(kind, ours, lora, {name: plain[name] + update[name] for name in plain})
    change = apart(logits(ours), before), apart(logits(lora), before)
    must(change[0] <= 1.2 * change[1] + 1e-5, f"merging changes logits by {change[0]:.3f}, LoRA's by {change[1]:.3f}")
    must(
        apart(logits(kind.load(kind.saved).merge_and_unload()), logits(ours)) == 0,
        "merge_and_unload gives another model",
    )
    ours.unmerge_adapter(), lora.unmerge_adapter()
    back = weight_errors(kind, ours, lora, plain)
    return f"error of weights {merged[0]:.1e} (LoRA {merged[1]:.1e}), after unmerging {back[0]:.1e} ({back[1]:.1e})"


def weight_errors(kind, ours, lora, wanted):
    "Mean distance from the `wanted` weights, of ours and of LoRA's; AssertionError unless they are alike."
    found = [
        {
            name.replace(".base_layer", ""): backend.get_base_weight(m).float()
            for name, (m, backend) in kind.quantized(model.base_model.model).items()
        }
        for model in (ours, lora)
    ]
    must(all(f.keys() == wanted.keys() for f in found), "other modules are quantized now")
    errors = [sum((f[name] - wanted[name]).abs().mean().item() for name in wanted) / len(wanted) for f in found]
    # PEFT's LoRA adds in float32 and leaves 4-bit weights as that; the backends keep bfloat16
    near, most = (1e-5, 0.99) if kind.dtype.itemsize == 4 else (0.01, 0.9)
    alike = sum(
        ((found[0][name] - found[1][name]).abs() <= near * found[1][name].abs().clamp(min=0.1)).float().mean().item()
        for name in wanted
    ) / len(wanted)
    must(
        errors[0] <= 1.01 * errors[1] + 1e-8 and alike > most,
        f"weights are off by {errors[0]:.2e}, LoRA's by {errors[1]:.2e}; {alike:.1%} of them equal",
    )
    return errors


def export(kind):
    "save_as_lora from the quantized model, loaded on an equal base: the same outputs."
    from peft import PeftModel

    model = PeftModel.from_pretrained(kind.base(), str(kind.exported))
    gap = apart(logits(model), logits(kind.trained[0]))
    # in half precision LoRA rounds once, after adding: the float32 sum on torchao's layers
    must(gap <= (0 if kind.dtype.itemsize == 4 else 0.02) * logits(model).abs().max().item(), f"logits {gap:.0e} apart")
    return f"logits {distance(gap)}"


def grow(kind):
    "The LoRA folder, grown on from on an equal base: the same outputs, and then its ranks grow."
    from increlora import IncreLoraConfig
    from increlora.grow import grow_adapter

    settings = {"task_type": "CAUSAL_LM", "target_total_rank": RANK + 4, "top_h": 2, "interval": 2, "lora_alpha": 100}
    model = grow_adapter(kind.exported, IncreLoraConfig(**settings, advance_learning=False), kind.base())
    gap, most = apart(logits(model), logits(kind.trained[0])), logits(model).abs().max().item()
    # another order of sums; where activations are rounded, a tiny change becomes a step
    must(gap <= (1e-5 if kind.dtype.itemsize == 4 else 0.02) * most or kind.unlike, f"logits {gap:.0e} apart")
    gained = sum(sum(winners.values()) for winners in train(model))
    must(gained == 4, f"{gained} components gained")
    return f"logits {distance(gap)}, total rank {RANK} to {RANK + 4}"


def checkpointing(kind):
    "PEFT's preparation for training in few bits, with gradient checkpointing: the same choices."
    from peft import prepare_model_for_kbit_training

    model = adapted(
        prepare_model_for_kbit_training(
            kind.base(), use_gradient_checkpointing=True, gradient_checkpointing_kwargs={"use_reentrant": False}
        )
    )
    winners = train(model)
    must(
        kind.dtype.itemsize < 4 or winners == kind.trained[1], "other choices"
    )  # PEFT's preparation makes half precision float32
    must(sum(bool(w) for w in winners) >= 4, "no growth")
    return (
        "the same choices" if winners == kind.trained[1] else "grows; other choices, as PEFT computes in float32 then"
    )


def reorders():
    "Whether bitsandbytes reorders 4-bit weights on this CPU when they are evaluated."
    import bitsandbytes

    return bitsandbytes.functional.has_avx512bf16()


def refused(kind):
    "What cannot work says so in one sentence."
    import torch
    from peft import PeftModel

    from increlora.export import save_merged

    said(lambda: save_merged(kind.trained[0], kind.place / "never"), "sits on quantized weights")
    if not getattr(kind.config, "load_in_4bit", False):
        return "save_merged"
    if not reorders():
        raise NotHere("this CPU has no AVX512-BF16, so bitsandbytes does not reorder 4-bit weights")
    base = kind.base(kept=False).requires_grad_(False)
    logits(base)
    said(lambda: adapted(base), "is in the order in which bitsandbytes evaluates")
    reader = PeftModel.from_pretrained(kind.base(kept=False), str(kind.saved))
    must(torch.isfinite(logits(reader)).all(), "not finite")
    said(reader.merge_adapter, "allowed is merging and unmerging before the first evaluation")
    return "save_merged; training and merging once bitsandbytes has reordered 4-bit weights"


def said(action, text):
    "AssertionError unless `action` raises a ValueError of one sentence that holds `text`."
    try:
        action()
    except ValueError as error:
        must(text in str(error) and "\n" not in str(error), f"another sentence: {error}")
    else:
        raise AssertionError(f"not refused: {text}")


CASES = {
    f.__name__: f
    for f in (start, choices, frozen, evaluation, load, disable, merge, export, grow, checkpointing, refused)
}


# --- running them ---


def break_tuner(what):
    "Take one thing out of the tuner, in this process only."
    import torch

    from increlora import export as e
    from increlora import growth, layer, model, targets

    score, factors, delta, allocate = (
        growth.AdaptedModule.raw_score,
        e.lora_factors,
        layer.IncreLoraLayer.get_delta_weight,
        growth.RankAllocator.allocate,
    )
    if what == "backend":
        layer.resolve_quantization_backend = targets.resolve_quantization_backend = lambda *args, **kwargs: None
    if what == "scores":
        growth.AdaptedModule.raw_score = lambda self, *args: score(self, *args) * torch.rand(())
    if what == "order":
        if not reorders():
            sys.exit(NOT_HERE)
        model.keep_order = lambda model: None
    if what == "loading":
        layer.adopt = model.adopt = model.note_ranks = lambda *args: None
    if what == "switch":
        layer.IncreLoraLinear.disable_adapters = property(lambda self: False)
    if what == "delta":
        layer.IncreLoraLayer.get_delta_weight = lambda self, name: delta(self, name) * 0.5
    if what == "export":
        e.lora_factors = lambda *args: {name: (A * 0.99, B) for name, (A, B) in factors(*args).items()}

    def damage(self):
        next(iter(self.layers.values())).get_base_layer().bias.data.add_(1e-6)
        return allocate(self)

    if what == "base":
        growth.RankAllocator.allocate = damage


def run_cases(a):
    "Every case of every kind, in this process; exit status."
    import torch
    import transformers

    warnings.filterwarnings("ignore")
    transformers.logging.set_verbosity_error()
    transformers.logging.disable_progress_bar()
    torch.set_num_threads(1)
    if a.broken:
        break_tuner(a.broken)
    begin, counts, reasons = time.time(), Counter(), Counter()
    with tempfile.TemporaryDirectory() as tmp:
        write_base(Path(tmp) / "base")
        for number, (name, (config, dtype, unlike)) in enumerate(kinds().items()):
            if a.kinds and not name.startswith(tuple(a.kinds)):
                continue
            kind = Kind(config, dtype, unlike, Path(tmp) / "base", Path(tmp) / str(number))
            for case in CASES.values():
                if a.k not in (None, case.__name__):
                    continue
                status, text = outcome(case, kind, a.verbose)
                counts[status] += 1
                if status == "not here":
                    reasons[text] += 1
                print(f"{status:8}  {name:36}{case.__name__:15}{text}", flush=True)
    why = "; ".join(reason if n == 1 else f"{n} times: {reason}" for reason, n in reasons.items())
    print(
        f"\n{counts['passed']} passed, {counts['FAILED']} failed, {counts['not here']} not possible "
        f"here{f' ({why})' if why else ''}, in {time.time() - begin:.0f} s"
    )
    return 1 if counts["FAILED"] or not counts["passed"] else 0


def outcome(case, kind, verbose):
    "(passed, FAILED or not here; what there is to say)."
    import traceback

    try:
        return "passed", case(kind)
    except NotHere as reason:
        return "not here", str(reason)
    except Exception as error:
        if verbose:
            traceback.print_exc()
        return (
            "FAILED",
            f"{type(error).__name__ if not isinstance(error, AssertionError) else ''} {error}".strip().replace(
                "\n", " "
            )[:300],
        )


def obtain(folder):
    "Install the packages into `folder`, beside everything else; None, or why not."
    r = subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--target",
            folder,
            *PACKAGES,
        ],
        env=environ(),
        capture_output=True,
        text=True,
    )
    return (r.stderr.strip().splitlines() or ["pip said nothing"])[-1] if r.returncode else None


def inside(packages, *argv, **pipes):
    "Run this script in a process that sees the packages. What the libraries say about missing GPUs goes to stderr."
    env = environ(PYTHONPATH=os.pathsep.join([str(packages), str(ROOT)]), PYTHONUNBUFFERED="1")
    return subprocess.run(
        [sys.executable, __file__, *argv, "--here"], env=env, stderr=subprocess.PIPE, text=True, **pipes
    )


def self_test(packages):
    "Every broken tuner must make its case fail."
    missed = 0
    for what, case in BROKEN.items():
        r = inside(packages, "nf4 (", "-k", case, "--broken", what, stdout=subprocess.PIPE)
        line = (r.stdout.strip().splitlines() or ["?"])[0]
        caught = r.returncode == 1 and line.startswith("FAILED")
        missed += not caught and r.returncode != NOT_HERE
        ended = "caught" if caught else "not possible on this CPU" if r.returncode == NOT_HERE else "NOT CAUGHT"
        print(f"{what}: {ended}: {line[:150]}", flush=True)
    return 1 if missed else 0


def main():
    p = argparse.ArgumentParser(description="IncreLoRA on quantized base models.")
    p.add_argument("kinds", nargs="*", metavar="kind", help="only kinds whose name begins so (default: all)")
    p.add_argument("-k", choices=list(CASES), help="only this case")
    p.add_argument("--packages", help=f"folder that holds {' and '.join(PACKAGES)} (default: pip fetches them)")
    p.add_argument("--verbose", action="store_true", help="with tracebacks and what the libraries log")
    p.add_argument("--self-test", action="store_true", help="break the tuner in a few places; the cases must notice")
    p.add_argument("--broken", choices=list(BROKEN), help=argparse.SUPPRESS)
    p.add_argument("--here", action="store_true", help=argparse.SUPPRESS)
    a = p.parse_args()
    if a.here:
        return run_cases(a)
    with tempfile.TemporaryDirectory() as tmp:
        why = None if a.packages else obtain(tmp)
        if why:
            print(f"{' and '.join(PACKAGES)} were not obtained, nothing was tested. pip: {why}")
            return NOT_OBTAINED
        packages = Path(a.packages or tmp).resolve()
        if a.self_test:
            return self_test(packages)
        print(" and ".join(PACKAGES), flush=True)
        r = inside(packages, *sys.argv[1:])
    if a.verbose or r.returncode not in (0, 1):
        print(r.stderr)
    return r.returncode


if __name__ == "__main__":
    sys.exit(main())
