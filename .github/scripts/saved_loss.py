"""What is a component worth, and does a score know it? In the middle of an IncreLoRA training every module in turn is
given one more component and trained on until the next round: how much loss did that save?

python .github/scripts/saved_loss.py --seeds 0 1 2 3 4 --out nbs/results/saved_loss.json

At each chosen round of each seed the process splits: one child goes on without a new component, and one for every
module goes on with a component there. All children see the same batches with the same dropout, so that what differs is
the component. This is done with two orders of batches: how far the two agree bounds what any score could reach. The
scores are those that the training had at that moment, all six beside one another (notebook `engine/scores`). Writes
after every round; a second call goes on. Two minutes a seed on a quiet core. Needs os.fork (not Windows).
"""

import argparse
import json
import os
import sys
from pathlib import Path

import torch
from transformers import DataCollatorWithPadding, get_linear_schedule_with_warmup

from increlora import Growth, IncreLoraConfig, RowAdamW
from increlora.files import environment, write_json
from increlora.glue.encoders import load_classifier, load_tokenizer, quiet
from increlora.glue.methods import adapt
from increlora.glue.tasks import get_task, prepare
from increlora.importance import Importance
from increlora.reserve import grow, row_generator
from increlora.scores import SCORES, Moment

# The settings of nbs/grids/why_lora.yaml, but growth is put off to update 150: the encoder has learnt nothing before
TASK, STEPS, BATCH, LENGTH, WARMUP, RATE = "pocket_reviews", 300, 16, 32, 25, 5e-3
OPTIONS = dict(target_r=2, lora_alpha=32, top_h=4, interval=25, init_vectors="unit", first_allocation=150)
ROUNDS = (225,)  # of the six at 150, 175, ..., 275
ORDERS = 2  # of the batches that follow
ROWS = 300  # on which the loss is taken


class Judged(Growth):
    "A Growth that keeps every score beside the one that decides, and can be told who wins."

    winner = None  # None: as the score says; (): nobody; or the name of a module

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        self.seen = {name: {module: Importance() for module in self.modules} for name in SCORES}

    @torch.no_grad()
    def refresh(self):
        if self.winner is not None:
            return  # nobody asks
        now = Moment(seed=self.config.seed, step=self.t)
        for name, score in SCORES.items():
            for index, (module, m) in enumerate(self.modules.items()):
                grad = m.probe.gradient if m.probe is not None else None
                score.take(self.seen[name][module], score.raw(m.components, grad, now._replace(index=index)))
        super().refresh()

    def allocate(self):
        if self.winner is None:
            return super().allocate()
        for index, (module, c) in enumerate(self.components.items()):
            if module == self.winner:
                numbers = row_generator(self.config.seed, self.t, index)
                grow(c, 1, self.config.reserve_size, numbers, init=self.config.init_vectors)
        return {self.winner: 1} if self.winner else {}


class Training:
    "A pocket encoder, its rows, and everything that a step needs."

    def __init__(self, seed):
        task = get_task(TASK)
        tokenizer = load_tokenizer(None)
        base = load_classifier(None, num_labels=task.num_labels, seed=seed)
        data = prepare(task, tokenizer, max_length=LENGTH, seed=seed)
        self.collate, self.rows = DataCollatorWithPadding(tokenizer), data["train"]
        self.checked = [data["evaluation"][i] for i in range(ROWS)]
        config = IncreLoraConfig(task_type="SEQ_CLS", seed=seed, **OPTIONS)
        self.model = adapt(base, "increlora", config, seed=seed, steps=STEPS).train()
        self.optimizer = RowAdamW([p for p in self.model.parameters() if p.requires_grad], lr=RATE)
        self.scheduler = get_linear_schedule_with_warmup(self.optimizer, WARMUP, STEPS)
        self.growth = Judged(self.model, self.optimizer, STEPS, self.scheduler, verbose=False)
        self.order(seed)

    def order(self, seed):
        "The order of the batches, and of what dropout draws, from here on."
        torch.manual_seed(seed)
        self.draw = torch.Generator().manual_seed(seed)

    def backward(self):
        picked = torch.randint(len(self.rows), (BATCH,), generator=self.draw).tolist()
        self.model(**self.collate([self.rows[i] for i in picked])).loss.backward()

    def update(self):
        self.growth.step()
        self.optimizer.step()
        self.scheduler.step()
        self.optimizer.zero_grad()

    @torch.no_grad()
    def loss(self):
        "Of the validation rows, without dropout."
        self.model.eval()
        parts = [self.checked[i : i + 100] for i in range(0, len(self.checked), 100)]
        losses = [self.model(**self.collate(part)).loss.item() * len(part) for part in parts]
        self.model.train()
        return sum(losses) / len(self.checked)

    def with_component(self, module, order):
        "The loss just before the next round, when `module` gets a component now."
        self.growth.winner = module
        self.growth.score = SCORES["uniform"]  # no ∂L/∂ΔW is collected any more
        self.update()
        self.growth.winner = ()
        self.order(order)
        for _ in range(OPTIONS["interval"] - 1):
            self.backward()
            self.update()
        return self.loss()


def in_child(work):
    "The number that `work()` returns, found by a copy of this process; nothing that it does is left behind."
    there, here = os.pipe()
    pid = os.fork()
    if pid == 0:
        try:
            os.write(here, json.dumps(work()).encode())
        finally:
            os._exit(0)
    os.close(here)
    with os.fdopen(there) as answer:
        text = answer.read()
    os.waitpid(pid, 0)
    return json.loads(text)


def judged(training, seed):
    "One round: per module every score, the rank, and the loss saved in each order of batches."
    growth, orders = training.growth, [1000 * (k + 1) + seed for k in range(ORDERS)]
    # the scores of this very step: a child of its own, as they come with the update
    scores = in_child(
        lambda: (training.update(), {n: {m: i.value for m, i in kept.items()} for n, kept in growth.seen.items()})[1]
    )
    without = [in_child(lambda order=order: training.with_component((), order)) for order in orders]
    saved = {
        module: [
            before - in_child(lambda m=module, o=order: training.with_component(m, o))
            for before, order in zip(without, orders)
        ]
        for module in growth.modules
    }
    return {
        "seed": seed,
        "step": growth.t + 1,
        "ranks": growth.ranks,
        "without": without,
        "saved": saved,
        "scores": scores,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--rounds", type=int, nargs="+", default=list(ROUNDS))
    parser.add_argument("--out", type=Path, default=Path("nbs/results/saved_loss.json"))
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    found = json.loads(chosen.out.read_text())["rounds"] if chosen.out.exists() else []
    settings = dict(task=TASK, steps=STEPS, batch=BATCH, length=LENGTH, warmup=WARMUP, learning_rate=RATE, **OPTIONS)
    command = "python .github/scripts/saved_loss.py"
    for seed in chosen.seeds:
        left = [r for r in chosen.rounds if not any((f["seed"], f["step"]) == (seed, r) for f in found)]
        if not left:
            continue
        with quiet():
            training = Training(seed)
        for step in range(1, max(left) + 1):
            training.backward()
            if step in left:
                made = environment()
                found.append({**judged(training, seed), "commit": made.pop("commit")})  # of each round: a run goes on
                found.sort(key=lambda f: (f["seed"], f["step"]))
                write_json(chosen.out, dict(command=command, settings=settings, **made, rounds=found))
                print(f"seed {seed}, round at update {step}: {len(found)} stored", flush=True)
            if step < max(left):
                training.update()
    return 0


if __name__ == "__main__":
    sys.exit(main())
