"Algorithm 1, lines 5 to 20, for a plain loop and for the stock Trainer."
import json
import os
from pathlib import Path

import torch
from torch import nn
from transformers import TrainerCallback

from increlora.allocator import select
from increlora.optim import Restart, RowAdamW
from increlora.orthogonality import regularizer
from increlora.reserve import grow, row_generator
from increlora.tuner import increlora_model

HISTORY = "rank_history.jsonl"


class Growth:
    """Lets the ranks of an adapted model grow: call `step()` between backward and optimizer.step(), once an update.

    The averages of the scores live in the adapter's buffers, so after a resume only `t`, the number of updates done, is given.
    """

    def __init__(self, model: nn.Module, optimizer: torch.optim.Optimizer, total_steps: int, t: int = 0):
        self.tuner, self.optimizer, self.t = increlora_model(model), optimizer, t
        self.adapter = self.tuner.active_adapters[0]
        self.config = self.tuner.peft_config[self.adapter]
        self.layers = self.tuner.layers(self.adapter)
        self.components = self.tuner.components(self.adapter)
        self.limits = {name: min(c.in_features, c.out_features) for name, c in self.components.items()}
        self.schedule = self.config.schedule(len(self.layers))
        self.skipped = dict.fromkeys(self.layers, 0)  # raw scores that were not finite, per module
        self._check(total_steps)
        if self.growing:
            for layer in self.layers.values():
                layer.watch(self.adapter, self.config.score_calls)

    def _check(self, total_steps: int) -> None:
        self.schedule.check(total_steps)
        if sum(self.limits.values()) < self.schedule.target_total:
            raise ValueError(f"target_total_rank={self.schedule.target_total} is more than the modules can hold; allowed is at most {sum(self.limits.values())}, the sum of min(in, out).")
        if not isinstance(getattr(self.optimizer, "optimizer", self.optimizer), RowAdamW):
            raise ValueError(f"optimizer={type(self.optimizer).__name__} does not know rows of different age; allowed is increlora's RowAdamW (Trainer: optimizer_cls_and_kwargs=row_adamw(args)).")

    @property
    def ranks(self) -> dict[str, int]:
        "Module name -> rank."
        return {name: c.rank for name, c in self.components.items()}

    @property
    def total_rank(self) -> int:
        return sum(self.ranks.values())

    @property
    def growing(self) -> bool:
        "Whether the budget is not spent yet (Algorithm 1, line 6)."
        return self.total_rank < self.schedule.target_total

    def scores(self) -> dict[str, float]:
        "Module name -> Ŝ (Eq. 8)."
        return {name: layer.increlora_importance[self.adapter].value for name, layer in self.layers.items()}

    @torch.no_grad()
    def step(self, grad_scale: float = 1.0) -> dict[str, int]:
        """Lines 6 to 18 of Algorithm 1 for one update; returns the winners and the components each got.

        `grad_scale` is the loss scale of a GradScaler whose gradients are still scaled.
        """
        self.t, self.tuner.unseen_updates = self.t + 1, 0  # line 5
        if not self.growing:  # lines 6 and 16
            return {}
        self._update_importance(grad_scale)  # line 7
        if not self.schedule.allocates(self.t):  # line 8
            return {}
        room = self.schedule.target_total - self.total_rank
        gains = select(self.scores(), self.ranks, self.limits, self.config.top_h, room, self.config.incre_rank_num)  # line 9
        for index, (name, c) in enumerate(self.components.items()):
            if name in gains:  # lines 10-12; line 13 is the optimizer's: it sees the new rows
                grow(c, gains[name], self.config.reserve_size, row_generator(self.config.seed, self.t, index), self.config.init_std, self.config.init_vectors)
        if not self.growing:  # line 17
            self._finish()
        return gains

    def _update_importance(self, grad_scale: float) -> None:
        for name, layer in self.layers.items():
            score = layer.score(self.adapter, self.config.score_norm, grad_scale)
            if score is not None:  # a module that this update did not use keeps its score
                layer.increlora_importance[self.adapter].update(score)
                self.skipped[name] += int(not layer.increlora_importance[self.adapter].finite)

    def _finish(self) -> None:
        "The budget is spent: no reserve any more, and no scores."
        for layer in self.layers.values():
            layer.increlora_components[self.adapter].drop_reserve()
            layer.increlora_probe.pop(self.adapter, None)

    def record(self) -> dict:
        "The state of growth as one line of the history."
        losses = {name: float(value) for name, value in self.tuner.losses.items()}
        skipped = {name: count for name, count in self.skipped.items() if count}
        return {"step": self.t, **losses, "total_rank": self.total_rank, "ranks": self.ranks, "scores": self.scores(), "skipped": skipped}


def restart_of(config, kind: str, warmup_steps: int, total_steps: int) -> Restart | None:
    "The learning-rate curve of components born late (Section 3.3), as the configuration wants it."
    if not config.restart_warmup:
        return None if config.late_rate == "original" else Restart(total_steps, kind="constant")
    warmup = config.warmup_steps if config.warmup_steps is not None else warmup_steps or config.interval
    return Restart(total_steps, min(warmup, total_steps), kind)


def row_adamw(args) -> tuple[type, dict]:
    "For `Trainer(optimizer_cls_and_kwargs=row_adamw(args))`: RowAdamW with the rates of the TrainingArguments."
    return RowAdamW, dict(lr=args.learning_rate, betas=(args.adam_beta1, args.adam_beta2), eps=args.adam_epsilon, weight_decay=args.weight_decay)


class IncreLoraCallback(TrainerCallback):
    """Growth inside the stock Trainer: plan before training, allocation before each optimizer step, history on disk.

    Writes `rank_history.jsonl` to args.output_dir: one line at each logging step and each round, the last one is the final state.
    """

    def __init__(self, verbose: bool = True):
        self.growth, self.verbose = None, verbose

    def on_train_begin(self, args, state, control, model=None, optimizer=None, lr_scheduler=None, **kwargs):
        self.growth = Growth(model, optimizer, state.max_steps, t=state.global_step)
        kind = str(getattr(args.lr_scheduler_type, "value", args.lr_scheduler_type))
        config = self.growth.config
        if config.restart_warmup and kind not in ("linear", "cosine"):
            raise ValueError(f"lr_scheduler_type={kind!r} has no restarted form; allowed are 'linear' and 'cosine', or restart_warmup=False.")
        rows = getattr(optimizer, "optimizer", optimizer)
        rows.restart = restart_of(config, kind, args.get_warmup_steps(state.max_steps), state.max_steps)
        if state.is_world_process_zero:
            self._open_history(Path(args.output_dir) / HISTORY, state.global_step)
            if self.verbose:
                print(self.growth.schedule.describe(state.max_steps))

    def _open_history(self, path: Path, step: int) -> None:
        "Keep the lines up to a resumed step, drop what an interrupted run wrote after it."
        self.path = path
        lines = path.read_text().splitlines() if step and path.exists() else []
        kept = [line for line in lines if json.loads(line)["step"] <= step]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(line + "\n" for line in kept))

    def _write(self, state) -> None:
        if state.is_world_process_zero:
            with self.path.open("a") as f:
                f.write(json.dumps(self.growth.record()) + "\n")

    def on_pre_optimizer_step(self, args, state, control, optimizer=None, **kwargs):
        scaler = getattr(optimizer, "scaler", None)  # accelerate's wrapper holds the GradScaler of fp16 runs
        self.gains = self.growth.step(1.0 if scaler is None else scaler.get_scale())

    def on_step_end(self, args, state, control, **kwargs):
        if self.gains or state.global_step % max(1, state.logging_steps) == 0:
            self._write(state)

    def on_log(self, args, state, control, logs=None, **kwargs):
        if logs is not None and self.growth is not None:
            logs["total_rank"] = self.growth.total_rank

    def on_train_end(self, args, state, control, **kwargs):
        self._write(state)
