"""Is everything ready for DeBERTaV3-base? The paper's presets on an encoder of its full size with random weights:
trained, grown, interrupted, resumed, exported, and loaded by PEFT alone, through the commands a user has.

python .github/scripts/ready.py --tokenizer FOLDER --data_dir GLUE --out nbs/results/deberta_ready.json

FOLDER holds the tokenizer of microsoft/deberta-v3-base (tokenizer.json), GLUE the data in the layout of nyu-mll/glue.
The published weights are not needed: the question is whether a run goes through and what it costs, not what it scores.
A preset takes three to five minutes on one core, 3 GB of memory and 2 GB of disk. The seconds of an update are those of
the processor, with one thread, so that other work on the machine hardly counts. Exit status: 1 if anything differed.
"""

import argparse
import json
import os
import shlex
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import psutil  # comes with accelerate
from tree import BIN, ROOT, environ

MODEL = "random-deberta-v3-base"  # the folder's name: no table can take its runs for pretrained ones
UPDATES, STOP_AT = 20, 8
# A preset, shortened: 20 updates of 8 x 64 tokens, a round after every update instead of every 100 or 1000
SHORT = {
    "max_steps": UPDATES,
    "per_device_train_batch_size": 8,
    "max_seq_length": 64,
    "interval": 1,
    "warmup_steps": 1,
    "logging_steps": 1,
    "save_steps": 10,
    "max_train_samples": 256,
    "max_eval_samples": 32,
}
ENCODER = """
import sys
import torch
from transformers import AutoModelForSequenceClassification
from increlora.glue.presets import deberta_v3_base
torch.manual_seed(0)
model = AutoModelForSequenceClassification.from_config(deberta_v3_base(), dtype=torch.float32)
total = sum(p.numel() for p in model.parameters())
# like the published file: an encoder without a head
weights = {n: p for n, p in model.state_dict().items() if n.startswith("deberta.")}
model.save_pretrained(sys.argv[1], state_dict=weights)
print(total)
"""
# what somebody else does with an adapter; increlora cannot be imported there unless it is asked for
LOGITS = """
import sys
base, adapter, out, ours = sys.argv[1:]
if ours == "without":
    sys.modules["increlora"] = None
else:
    import increlora
import torch
from peft import PeftModel
from transformers import AutoModelForSequenceClassification, AutoTokenizer
model = AutoModelForSequenceClassification.from_pretrained(base, dtype=torch.float32)
model = PeftModel.from_pretrained(model, adapter).eval()
tokenizer = AutoTokenizer.from_pretrained(adapter)
texts = [
    "An adapter of a model that nobody has trained.",
    "The ranks grew from 72 to 144 in fifteen rounds.",
    "Was it the winter of 1843, or the one before?",
    "No.",
]
batch = tokenizer(texts, padding=True, return_tensors="pt")
batch.pop("token_type_ids", None)
assert tokenizer.unk_token_id not in batch["input_ids"]
with torch.no_grad():
    torch.save(model(**batch).logits, out)
"""


def started(words, place, **options):
    "A process that works in `place` with the modules of this checkout, one thread, offline, without progress bars."
    env = environ(PYTHONPATH=str(ROOT))
    return subprocess.Popen([str(w) for w in words], cwd=place, env=env, text=True, **options)


def call(words, place):
    "Run a command to its end; what it printed. CalledProcessError, with what it said, unless it went well."
    work = started(words, place, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    said, errors = work.communicate()
    if work.returncode:
        sys.stderr.write(errors)
        raise subprocess.CalledProcessError(work.returncode, work.args)
    return said


def watched(words, place, folder, stop_at=None):
    """Run a training to its end, or send it SIGTERM after the update `stop_at`; its exit status, and the processor
    time at every update: when its line appears in the history.
    """
    work, times, path = started(words, place), {}, place / folder / "rank_history.jsonl"
    clock = psutil.Process(work.pid)
    while work.poll() is None:
        time.sleep(0.01)
        lines = path.read_text().splitlines() if path.exists() else []
        for update in range(len(times) + 1, len(lines) + 1):
            times[update] = sum(clock.cpu_times()[:2])
        if stop_at is not None and len(times) >= stop_at:
            work.send_signal(signal.SIGTERM)
            stop_at = None
    return work.returncode, times


def paces(times):
    "Update -> its seconds; the first one, which is mostly the start of the program, is left out."
    return {n: round(times[n] - times[n - 1], 2) for n in range(2, len(times) + 1)}


def size(path):
    "Bytes of a file, or of all files below a folder."
    return sum(file.stat().st_size for file in ([path] if path.is_file() else path.rglob("*")) if file.is_file())


def encoder(place, tokenizer):
    "Write the encoder's folder; the parameters of the classifier and the bytes of the file."
    total = int(call([sys.executable, "-c", ENCODER, MODEL], place))
    for file in Path(tokenizer).iterdir():
        if file.name != "config.json" and file.is_file():
            shutil.copyfile(file, place / MODEL / file.name)
    return {"parameters": total, "bytes": size(place / MODEL / "model.safetensors")}


def check(preset, place, data_dir):
    "All steps for one preset; its result, and what was found beside it."
    from safetensors.torch import load_file

    from increlora.files import read_json

    run, name = [BIN / "increlora", "run"], preset.replace("/", "-")
    flags = [word for flag, value in SHORT.items() for word in (f"--{flag}", value)]
    flags = ["--preset", preset, "--model_name_or_path", MODEL, "--use_cpu", *flags]
    data = ["--data_dir", data_dir] if data_dir else []
    whole, again = f"{name}-whole", f"{name}-again"
    status, times = watched([*run, *flags, *data, "--output_dir", whole], place, whole)
    stopped, _ = watched([*run, *flags, *data, "--output_dir", again], place, again, STOP_AT)
    left = sorted(p.name for p in (place / again).glob("checkpoint-*"))
    resumed, _ = watched([*run, *flags, *data, "--output_dir", again, "--resume"], place, again)
    if (status, stopped, resumed) != (0, 143, 0):
        raise SystemExit(f"error: {preset}: exit status {status}, {stopped} after SIGTERM, {resumed} resumed")
    one, two = (read_json(place / folder / "all_results.json") for folder in (whole, again))
    adapters = [load_file(place / folder / "adapter_model.safetensors") for folder in (whole, again)]
    said = call([BIN / "increlora", "export", whole, f"{name}-lora"], place)
    seconds, last = paces(times), max(r["step"] for r in one["growth"])
    return one, {
        "preset": preset,
        "command": shlex.join(map(str, ["increlora", "run", *flags, "--data_dir", "GLUE", "--output_dir", "OUT"])),
        "seconds": seconds,
        "seconds_growing": statistics.median(seconds[n] for n in seconds if n <= last),
        "seconds_after": statistics.median(seconds[n] for n in seconds if n > last + 1),
        "peak_memory": max(one["peak_memory"], two["peak_memory"]),
        "total_rank": [len(one["ranks"]), sum(one["ranks"].values())],
        "rounds": len(one["growth"]),
        "interrupted": {"checkpoints": left, "status": stopped},
        "resumed_equal": {
            "adapter": same(*adapters),
            **{part: one[part] == two[part] for part in ("ranks", "growth", "curves", "evaluation")},
        },
        "bytes": {
            "checkpoint": size(place / whole / f"checkpoint-{UPDATES}"),
            "adapter": size(place / whole / "adapter_model.safetensors"),
            "export": size(place / f"{name}-lora" / "adapter_model.safetensors"),
        },
        "export_said": said.splitlines()[0],
        "export_logits_apart": apart(place, whole, f"{name}-lora"),
    }


def same(one, two):
    "Whether two adapters have the same tensors, bit for bit."
    return one.keys() == two.keys() and all(one[name].numpy().tobytes() == two[name].numpy().tobytes() for name in one)


def apart(place, adapter, lora):
    "The largest difference of a logit between the run's adapter and the exported one, in a process without increlora."
    import torch

    for folder, ours in ((adapter, "with"), (lora, "without")):
        call([sys.executable, "-c", LOGITS, MODEL, folder, f"{folder}.pt", ours], place)
    one, two = (torch.load(place / f"{folder}.pt") for folder in (adapter, lora))
    assert one.shape == (4, one.shape[1]) and one.std() > 0
    return float((one - two).abs().max())


def main():
    "Make the check and write what was found."
    sys.path.insert(0, str(ROOT))
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--tokenizer", required=True, help="folder with the tokenizer of DeBERTaV3")
    parser.add_argument("--data_dir", help="folder with GLUE; default: the Hub")
    parser.add_argument("--presets", nargs="+", default=["paper/rte/r2", "paper/sst2/r2"])
    parser.add_argument("--out", type=Path, help="write the result to this JSON file")
    given = parser.parse_args()
    os.environ["OMP_NUM_THREADS"] = "1"
    from increlora.files import environment, write_json

    data_dir = given.data_dir and str(Path(given.data_dir).resolve())
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        about = encoder(place, given.tokenizer)
        found = [check(preset, place, data_dir) for preset in given.presets]
    words = ["--tokenizer", "FOLDER", "--data_dir", "GLUE", "--presets", *given.presets]
    command = shlex.join(["python", ".github/scripts/ready.py", *words])
    runs, checks = [run for run, _ in found], [one for _, one in found]
    result = {"command": command, **environment(), "encoder": about, "checks": checks, "runs": runs}
    print(json.dumps(checks, indent=2))
    if given.out:
        write_json(given.out, result)
    good = all(all(one["resumed_equal"].values()) for one in checks)
    return 0 if good and max(one["export_logits_apart"] for one in checks) < 1e-5 else 1


if __name__ == "__main__":
    sys.exit(main())
