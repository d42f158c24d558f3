"""How PEFT's tests become tests of IncreLoRA: which cases, which stand-ins, and what is left out for which reason.

A pytest plugin. It changes nothing in PEFT's files: cases are replaced in the `parametrize` marks of the collected
tests,
names in the imported test modules.
"""

import inspect
import re
import sys
from collections import Counter, defaultdict
from pathlib import Path

import pytest
from peft import LoraConfig, PeftConfig, PromptLearningConfig
from peft.tuners.tuners_utils import check_target_module_exists
from torch import nn
from transformers.pytorch_utils import Conv1D

from increlora.config import IncreLoraConfig
from increlora.layer import IncreLoraLayer
from increlora.model import IncreLoraModel
from increlora.reserve import grow

# Every layout of targets is tested with each of these; the models of the hub, which take longer, only with the first
# two.
GROWN = 987654321  # a seed that marks adapters that have grown before the test begins
VARIANTS = {
    "growing": {},
    "official": {"mode": "official", "target_r": 4, "lora_alpha": 8, "lora_dropout": 0.05},
    "still": {"target_r": 1},
    "grown": {"seed": GROWN, "target_r": 5},
}
CUSTOM_ONLY = ("still", "grown")
# Three steps of SGD must show. PEFT gives slow starters a higher rate by name; ours get long vectors. A long reserve
# would show before.
LONG = {"init_std": 1.0, "advance_learning": False}
SLOW_START = {
    "test_only_params_are_updated": {"init_std": 2.0},
    "test_disable_adapters": LONG,
    "test_disable_adapters_with_merging": LONG,
}
SHARED = (
    "task_type",
    "target_modules",
    "exclude_modules",
    "modules_to_save",
    "layers_to_transform",
    "layers_pattern",
    "inference_mode",
    "bias",
    "base_model_name_or_path",
    "revision",
)
IGNORED = (
    "r",
    "lora_alpha",
    "lora_dropout",
    "fan_in_fan_out",
    "use_rslora",
    "init_lora_weights",
)  # other numbers, the same test
NO_TARGETS = (
    "AdaptionPromptConfig",
    "TrainableTokensConfig",
    "XLoraConfig",
    "PolyConfig",
)  # methods whose cases say nothing about linear layers
# Lists of methods that work with Conv1D or DeBERTa. IncreLoRA is to work with both, so nothing is skipped.
ALLOW_LISTS = (
    "_skip_if_conv1d_not_supported",
    "_skip_if_not_conv1d_supported",
    "skip_deberta_lora_tests",
    "check_beft_config",
)
# PEFT's errors say it in other words than ours; in these tests only the type of the error counts.
OTHER_WORDS = (
    r"TestExcludedModuleNames|TestTargetingAuxiliaryTrainingWrapper"
    r"|regex_with_layer_indexing_lora|layers_to_transform_validation"
)
LEFT_OUT = {
    r"prompt_(learning|tuning)|prefix_tuning": "prompt learning",
    r"dora|mica|pissa|rank_(and_alpha_)?pattern|RankAndAlpha|MultiRank|DynamicDispatch|TestScalingAdapters"
    r"|lora_embed_scale|weighted|merging_adapters|TestMontecloraTrainerMixin": "something that only LoRA has",
    r"[Mm]ixed_?[Aa]dapter|mixed_batch|mixed_model"
    r"|rejects_duplicate_name_without_mutation\[True\]": "several methods in a model, or several adapters in a batch",
    r"rejects_shared_state": "methods whose layers share tensors",
    r"TestLayerRepr|TestModelCard|custom_peft_type|module_type|model_type|peft_types|nb_params"
    r"|status_with_modules_to_save|no_rank_nor_alpha|test_prefixes_(lora|select|model_with|multiple)"
    r"|TestLowLevelFunctional::test_(inject_adapter_in_model$|modules_to_save)|missing_keys_warning|unsharded"
    r"|preserves_custom_requires_grad|named_like_peft_prefix\["
    r"|second_adapter_with_all_linear": "names LoRA's classes, tensors, tags or their number",
    r"test_default_target_modules_(list_of_)?str": "changes another method's table of default targets",
    r"inject_from_state_dict_low_cpu_mem_usage$": "expects an adapter without buffers",
    r"TestCheckIsPeftModel::test_valid_hub": "is about the hub",
    r"warns_when_reloading_model|test_get_peft_model_repeated_invocation": "a second PeftModel on a base model that "
    "still has the first one's adapter, which IncreLoRA refuses",
    r"stable_diffusion|diffus": "needs diffusers",
}
HUB = ("OfflineModeIsEnabled", "LocalEntryNotFoundError", "RepositoryNotFoundError")  # of huggingface_hub
OTHER_PEFT = "The version of PEFT you are using is not compatible"  # of transformers
NOT_LINEAR = r"allowed are torch\.nn\.Linear"


# --- from the cases of other methods to ours ---


def is_class(x):
    return isinstance(x, type) and issubclass(x, PeftConfig)


def is_ours(x):
    return x is IncreLoraConfig or isinstance(x, IncreLoraConfig)


def from_lora(options):
    "IncreLoraConfig with those of LoRA's options that mean the same; a test with any other is skipped."
    foreign = [
        k
        for k, v in options.items()
        if k not in SHARED + IGNORED and v not in (None, False, {}, []) and v != getattr(LoraConfig(), k, None)
    ]
    if foreign:
        pytest.skip(f"an option that only LoRA has: {', '.join(foreign)}")
    kept = {k: v for k, v in options.items() if k in SHARED}
    if kept.get("bias") == "lora_only":
        kept["bias"] = "increlora_only"
    return IncreLoraConfig(**kept, init_weights=options.get("init_lora_weights", True) is not False)


class StandIn:
    "What LoraConfig is in a test written out for LoRA."

    def __new__(cls, **options):
        return from_lora(options)


def instances(row):
    """A case that holds LoRA's configurations, with IncreLoRA's; nothing for other methods, or if they have options of
    their own.
    """
    if any(isinstance(x, PeftConfig) and type(x) is not LoraConfig for x in row):
        return []
    try:
        return [
            tuple(
                from_lora({k: v for k, v in x.to_dict().items() if not k.startswith("peft_")})
                if isinstance(x, PeftConfig)
                else x
                for x in row
            )
        ]
    except pytest.skip.Exception:
        return []


def classes(row, module, extra):
    """A case that holds a method's class and options, for IncreLoRA in every variant; nothing if it is not about linear
    layers.
    """
    cls = next(x for x in row if is_class(x))
    options = [x for x in row if isinstance(x, dict)]
    if issubclass(cls, PromptLearningConfig) or cls.__name__ in NO_TARGETS:
        return []
    if any(x.get("target_parameters") or x.get("trainable_token_indices") for x in options):
        return []
    random = {"init_weights": False} if len(options) == 2 else {}  # two adapters in one test have to differ
    layouts = [
        {**{k: v for k, v in x.items() if k in SHARED and k != "bias" and v is not None}, **random, **extra}
        for x in options
    ]
    custom = hasattr(module, "MockTransformerWrapper")
    texts = [x for x in row if isinstance(x, str)]
    if custom and options and not all(only_linear(module, texts, x) for x in layouts):
        return []
    if not options:
        return [tuple(IncreLoraConfig if is_class(x) else x for x in row)]
    return [
        fill(row, variant, iter([{**x, **own} for x in layouts]))
        for variant, own in VARIANTS.items()
        if custom or variant not in CUSTOM_ONLY
    ]


def fill(row, variant, layouts):
    """`row` with our class, our options, and in the place of the first text, the name of the case, ours.

    A second text in small letters is the method's name.
    """
    texts = [x for x in row if isinstance(x, str)]
    named = {id(texts[0]): f"IncreLoRA {variant}"} if len(texts) > 1 else {}
    if texts[1:] and texts[1].islower():
        named[id(texts[1])] = "increlora"
    return tuple(
        IncreLoraConfig if is_class(x) else next(layouts) if isinstance(x, dict) else named.get(id(x), x) for x in row
    )


def only_linear(module, texts, options):
    "Whether all targets in that custom model are linear layers."
    if not options.get("target_modules"):
        return False
    model = module.MockTransformerWrapper.from_pretrained(texts[1] if not texts[1].islower() else "MLP")
    config = IncreLoraConfig(target_modules=options["target_modules"])
    hit = [m for name, m in model.named_modules() if name and check_target_module_exists(config, name)]
    return bool(hit) and all(type(m) in (nn.Linear, Conv1D) for m in hit)


def ours(mark, module, extra):
    "The argument values of a `parametrize` mark with IncreLoRA's cases; None if no case names a method."
    rows = [
        x.values if hasattr(x, "values") and hasattr(x, "marks") else x if isinstance(x, (tuple, list)) else (x,)
        for x in mark.args[1]
    ]
    if not any(is_class(x) or isinstance(x, PeftConfig) for row in rows for x in row):
        return None
    found = {}
    for row in rows:
        for new in classes(row, module, extra) if any(map(is_class, row)) else instances(row):
            found.setdefault(repr([sorted(x.items(), key=str) if isinstance(x, dict) else x for x in new]), new)
    return list(found.values())


def names_of_ours(names):
    "The names of LoRA's trainable tensors as IncreLoRA's."
    for name in names:
        head, _, rest = name.partition(".lora_")
        if not rest:
            yield name
        else:
            yield from (
                f"{head}.increlora_components.{rest.split('.')[1]}.{ours}"
                for ours in ({"A": ("a",), "B": ("b", "lam")}[rest[0]])
            )


# --- adapters of uneven rank ---


def with_growth(inject):
    """IncreLoraModel.inject_adapter that, for the variant 'grown', lets every module grow by 0 to 2 components, each
    time others.

    A configuration from a file says the ranks (rank_pattern); one that comes with the saved tensors alone does not."""
    count = iter(range(10**9))

    def inject_adapter(self, model, adapter_name, *args, **kwargs):
        inject(self, model, adapter_name, *args, **kwargs)
        config, first = self.peft_config[adapter_name], next(count)
        for i, c in enumerate(self.components(adapter_name).values(), first):
            room = min(c.in_features, c.out_features) - c.rank
            for _ in range(min(i % 3, room) if config.seed == GROWN and not config.rank_pattern else 0):
                grow(c, 1, config.reserve_size, None, config.init_std)

    return inject_adapter


# --- the plugin ---


class AnyWords:
    "The module pytest, whose `raises` does not look at the words."

    def __getattr__(self, name):
        return getattr(pytest, name)

    def raises(self, error, match=None):
        return pytest.raises(error)


class Plugin:
    "Replaces the cases, selects the tests, and counts what becomes of them."

    def __init__(self, quick=False):
        self.quick, self.cases = quick, {}
        IncreLoraModel.inject_adapter = with_growth(IncreLoraModel.inject_adapter)
        self.counts, self.skipped, self.failed, self.left_out = (
            defaultdict(Counter),
            defaultdict(Counter),
            [],
            Counter(),
        )

    @pytest.hookimpl(tryfirst=True)
    def pytest_generate_tests(self, metafunc):
        extra = SLOW_START.get(metafunc.function.__name__, {})
        marks = metafunc.definition.own_markers
        for i, mark in enumerate(marks):
            if mark.name != "parametrize" or len(mark.args) < 2:
                continue
            key = id(mark.args[1]), str(extra)
            if key not in self.cases:
                self.cases[key] = ours(mark, metafunc.module, extra)
            names = [n.strip() for n in mark.args[0].split(",")] if isinstance(mark.args[0], str) else mark.args[0]
            if self.cases[key] is not None:
                marks[i] = pytest.mark.parametrize(names, self.some(self.cases[key])).mark

    def some(self, rows):
        "With --quick, every 13th case: each variant comes up."
        return rows[::13] if self.quick else rows

    def pytest_collection_modifyitems(self, config, items):
        chosen = [item for item in items if self.wanted(item)]
        for module in {item.module for item in chosen} | {sys.modules["tests.testing_common"]}:
            self.plug(module)
        config.hook.pytest_deselected(items=[item for item in items if item not in set(chosen)])
        items[:] = chosen

    def wanted(self, item):
        "Is this test about IncreLoRA now? If not, count why."
        reason = next((reason for pattern, reason in LEFT_OUT.items() if re.search(pattern, item.nodeid)), None)
        params = getattr(item, "callspec", None) and item.callspec.params.values() or ()
        plugged = any(map(is_ours, params)) or (
            not any(m.name == "parametrize" and "config_c" in str(m.args[0]) for m in item.own_markers)
            and re.search(r"\bLoraConfig\(", sources(item))
        )
        if plugged and not reason:
            return True
        self.left_out[reason if plugged else "other methods, or no method at all"] += 1
        return False

    def plug(self, module):
        "Put the stand-ins into a module of tests."
        for name, value in {
            "LoraConfig": StandIn,
            "LoraLayer": IncreLoraLayer,
            **dict.fromkeys(ALLOW_LISTS, lambda *args: None),
        }.items():
            if (
                hasattr(module, name)
                and module.__name__ != "tests.testing_common"
                or name in ALLOW_LISTS
                and hasattr(module, name)
            ):
                setattr(module, name, value)
        if hasattr(module, "TestRequiresGrad"):
            check = module.TestRequiresGrad.check_requires_grad
            module.TestRequiresGrad.check_requires_grad = lambda self, model, *names: check(
                self, model, *names_of_ours(names)
            )

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_call(self, item):
        if not re.search(OTHER_WORDS, item.nodeid):
            return (yield)
        item.module.pytest = AnyWords()
        try:
            return (yield)
        finally:
            item.module.pytest = pytest

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(self, item, call):
        report = yield
        why = call.excinfo and report.failed and self.excuse(item, call.excinfo.value)
        if why:
            report.outcome, report.longrepr = "skipped", (str(item.path), 0, f"Skipped: {why}")
        return report

    def excuse(self, item, error):
        """Why an error is no failure: no hub here, or a target that is no linear layer (where `only_linear` could not
        see it before).
        """
        if OTHER_PEFT in str(error):
            return "transformers asks for another PEFT"
        chosen_here = (
            hasattr(item.module, "MockTransformerWrapper")
            and IncreLoraConfig in getattr(getattr(item, "callspec", None), "params", {}).values()
        )
        if re.search(NOT_LINEAR, str(error)) and not chosen_here:
            return "adapts something else than linear layers"
        chain = [error]
        while chain[-1] is not None:
            chain.append(chain[-1].__cause__ or chain[-1].__context__)
        if any(type(e).__name__ in HUB or isinstance(e, OSError) and "offline mode" in str(e) for e in chain):
            return f"needs a hub: {hub_name(str(error), sources(item))}"

    def pytest_runtest_logreport(self, report):
        if report.when == "teardown" and not report.failed or report.when == "setup" and report.passed:
            return
        file = Path(report.nodeid.partition("::")[0]).name
        self.counts[file][report.outcome] += 1
        if report.failed:
            self.failed.append(report.nodeid)
        if report.skipped:
            reason = (
                report.longrepr[2].removeprefix("Skipped: ")
                if isinstance(report.longrepr, tuple)
                else f"expected to fail: {report.wasxfail}"
            )
            if re.search("accelerator|GPU", reason):
                reason = f"needs a GPU: {reason}"
            kind, _, detail = reason.partition(": ")
            self.skipped[kind][detail] += 1


def sources(item):
    "The text of a test and of the fixtures it uses."
    definitions = [d[-1].func for d in item._fixtureinfo.name2fixturedefs.values()]
    own = [f for f in definitions if getattr(f, "__module__", "").startswith("tests.")]
    return "".join(inspect.getsource(f) for f in [item.function, *own])


def hub_name(*texts):
    "The first name on the hub that one of the texts mentions."
    return next(
        (m.group(1) for m in (re.search(r"""['"]([\w-]+/[\w.-]+)['"]""", text) for text in texts) if m), "a model"
    )
