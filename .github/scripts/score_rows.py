"""Can a module's score be estimated from some of its rows? IncreLoRA trains with the exact score on real reviews, and
beside it cheaper scores look at the same gradients: how far off are they, and would they have chosen the same winners?

python .github/scripts/score_rows.py --seeds 0 1 2 3 4 --out nbs/results/score_rows.json

The settings are those of nbs/grids/score_rows.yaml; a run ends here when its budget is spent. At every round all scores
choose among the same modules with the same ranks; then the exact one decides. Writes after every seed; a second call
goes on. Needs `increlora fetch minilm reviews`. A minute a seed on a quiet core.
"""

import argparse
import json
import sys
import tempfile
from pathlib import Path

import torch
from transformers import TrainerCallback

from increlora import trainer as increlora_trainer
from increlora.files import environment, write_json
from increlora.glue.arguments import parse
from increlora.glue.fetch import fetch
from increlora.glue.run import make_trainer
from increlora.glue.stop import StopSignal
from increlora.importance import Importance
from increlora.schedule import select
from increlora.scores import drawn_outputs
from increlora.training import Growth

SETTINGS = dict(
    task_name="reviews",
    max_steps=150,
    learning_rate=3e-3,
    per_device_train_batch_size=16,
    max_seq_length=64,
    warmup_steps=15,
    lora_alpha=32,
    target_r=2,
    init_vectors="unit",
    batch_by_length=True,
)
SHARES = (2, 4, 8, 16, 32)  # one row in so many
EVERY = {2: "every second step", 4: "every fourth step"}


class Seen:
    "One module in one scored step: ΔW, ∂L/∂ΔW and what it is a sum of, and the generator of whoever draws."

    def __init__(self, c, grad, output_grads, inputs, step, index):
        self.delta, self.grad = c.delta().detach(), grad
        self.entries = (self.delta * grad).abs()
        self.of_rows = self.entries.mean(1)
        self.g, self.x, self.step, self.index = output_grads, inputs, step, index
        self.draws = torch.Generator().manual_seed(1_000_003 * step + index)

    def deck(self, one_in):
        return drawn_outputs(len(self.of_rows), 1 / one_in, 0, self.step, self.index)

    def some(self, size, one_in):
        return torch.randperm(size, generator=self.draws)[: round(size / one_in)]

    # what is tried

    def rows(self, one_in):
        "Rows dealt out from a deck, and nothing else known."
        return self.of_rows[self.deck(one_in)].mean()

    def fresh_rows(self, one_in):
        "Rows drawn from all of them in each step."
        return self.of_rows[self.some(len(self.of_rows), one_in)].mean()

    def neighbours(self, one_in):
        "One row of every `one_in` neighbours."
        first = torch.arange(0, len(self.of_rows), one_in)
        return self.of_rows[first + torch.randint(0, one_in, first.shape, generator=self.draws)].mean()

    def columns(self, one_in):
        "Columns instead of rows."
        return self.entries.mean(0)[self.some(self.entries.shape[1], one_in)].mean()

    def sized(self, one_in):
        "Rows of a deck, set against the length of the same rows of ΔW."
        rows, size = self.deck(one_in), self.delta.norm(dim=1)
        return self.of_rows[rows].mean() * size.mean() / size[rows].mean()

    def bounded(self, one_in):
        "`score_rows`: the same, against the length of a row of ΔW times that of ∂L/∂y at its output."
        rows, size = self.deck(one_in), self.delta.norm(dim=1) * self.g.norm(dim=0)
        return self.of_rows[rows].mean() * size.mean() / size[rows].mean()

    def tokens(self, one_in):
        "All rows, from some of the tokens."
        some = self.some(len(self.g), one_in)
        grad = self.g[some].T @ self.x[some] * (len(self.g) / len(some))
        return (self.delta * grad).abs().mean()


TRIED = {f"rows 1/{n}": (Seen.rows, n) for n in SHARES}
TRIED |= {f"rows 1/{n}, by lengths": (Seen.bounded, n) for n in SHARES}
TRIED |= {
    "rows 1/8, drawn anew": (Seen.fresh_rows, 8),
    "rows 1/8, one of neighbours": (Seen.neighbours, 8),
    "columns 1/8": (Seen.columns, 8),
    "rows 1/8, by the length of ΔW's": (Seen.sized, 8),
    "tokens 1/2": (Seen.tokens, 2),
    "tokens 1/8": (Seen.tokens, 8),
}


class Shadowed(Growth):
    "A Growth whose exact score decides, while others look at the same gradients."

    def __init__(self, *args, **kwargs):
        super().__init__(*args, **kwargs)
        b = self.config.beta1, self.config.beta2
        kinds = dict.fromkeys((*TRIED, *EVERY.values()), b)
        kinds |= {f"{name}, β to the {n}": (b[0] ** n, b[1] ** n) for n, name in EVERY.items()}
        self.kept = {kind: {name: Importance(*betas) for name in self.modules} for kind, betas in kinds.items()}
        self.values, self.raw, self.rounds, self.seen = {name: [] for name in TRIED}, [], [], {}
        for name, layer in self.layers.items():
            layer.register_forward_hook(lambda m, args, out, name=name: self.look(name, args[0].detach(), out))

    def look(self, name, x, out):
        if out.requires_grad and self.modules[name].probe is not None:
            out.register_hook(lambda g: self.seen.update({name: (g.flatten(0, -2), x.flatten(0, -2))}))

    @torch.no_grad()
    def refresh(self):
        exact, others = [], {name: [] for name in TRIED}
        for index, (name, m) in enumerate(self.modules.items()):
            seen = Seen(m.components, m.probe.gradient, *self.seen.pop(name), self.t, index)
            exact.append(seen.of_rows.mean())
            for kind, (how, one_in) in TRIED.items():
                others[kind].append(how(seen, one_in))
                self.kept[kind][name].update(others[kind][-1])
            for n, kind in EVERY.items():
                if self.t % n == 0:
                    self.kept[kind][name].update(exact[-1])
                    self.kept[f"{kind}, β to the {n}"][name].update(exact[-1])
        self.raw.append(torch.stack(exact))
        for kind, values in others.items():
            self.values[kind].append(torch.stack(values))
        super().refresh()

    def allocate(self):
        limits, room = {n: m.limit for n, m in self.modules.items()}, self.schedule.target_total - self.total_rank
        number = {name: i for i, name in enumerate(self.modules)}

        def winners(scores):
            chosen = select(scores, self.ranks, limits, self.schedule.top_h, room, self.config.incre_rank_num)
            return [number[name] for name in chosen]

        before = {n: m.importance.averages.tolist() for n, m in self.modules.items()}
        exact, found = self.scores(), {}
        own = winners(exact)
        for kind, kept in self.kept.items():
            chosen = winners({name: importance.value for name, importance in kept.items()})
            best = sum(sorted(exact.values())[-len(own) :])
            found[kind] = {
                "winners": chosen,
                "worth": sum(list(exact.values())[i] for i in chosen) / best,  # of what the exact score could choose
                # the two averages beside the exact ones
                "I": mean(kept[n].averages[0] / before[n][0] for n in before),
                "U": mean(kept[n].averages[1] / before[n][1] for n in before),
            }
        self.rounds.append({"step": self.t, "exact": own, "tried": found})
        return super().allocate()

    def result(self):
        raw = torch.stack(self.raw).double()
        late = raw[len(raw) // 2 :]
        errors = {kind: torch.stack(values).double() / raw - 1 for kind, values in self.values.items()}
        return {
            "modules": list(self.modules),
            "scored_steps": len(raw),
            # how much the exact score of a module moves from step to step
            "moves": float((late.std(0) / late.mean(0)).median()),
            "error": {kind: float(e[1:].square().mean().sqrt()) for kind, e in errors.items()},
            "bias": {kind: float(e[1:].mean()) for kind, e in errors.items()},
            "rounds": self.rounds,
        }


def mean(values):
    values = [float(value) for value in values]
    return sum(values) / len(values)


class UntilSpent(TrainerCallback):
    "Ends the training when the budget is spent."

    def on_step_end(self, args, state, control, **kwargs):
        control.should_training_stop = not GROWTHS[-1].growing


GROWTHS = []


def shadowed(*args, **kwargs):
    GROWTHS.append(Shadowed(*args, **kwargs))
    return GROWTHS[-1]


def one_run(seed, model):
    with tempfile.TemporaryDirectory() as folder:
        flags = [f"--{name}={value}" for name, value in SETTINGS.items()]
        where = [f"--model_name_or_path={model}", f"--output_dir={folder}", f"--seed={seed}", "--use_cpu=true"]
        quiet = ["--save_strategy=no", "--eval_strategy=no", "--report_to=none", "--max_eval_samples=64"]
        trainer = make_trainer(*parse(flags + where + quiet), StopSignal())
        trainer.add_callback(UntilSpent())
        increlora_trainer.Growth = shadowed
        trainer.train()
    return {"seed": seed, **GROWTHS[-1].result()}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2, 3, 4])
    parser.add_argument("--out", type=Path, default=Path("nbs/results/score_rows.json"))
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    found = json.loads(chosen.out.read_text())["runs"] if chosen.out.exists() else []
    model = fetch("minilm")
    for seed in chosen.seeds:
        if any(run["seed"] == seed for run in found):
            continue
        made = environment()
        found.append({**one_run(seed, model), "commit": made.pop("commit")})  # of each run: a second call goes on
        found.sort(key=lambda run: run["seed"])
        command = "python .github/scripts/score_rows.py"
        write_json(chosen.out, dict(command=command, settings=SETTINGS, **made, runs=found))
        print(f"seed {seed}: stored", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
