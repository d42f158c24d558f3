"Restart warmup: one learning-rate curve per component, and an AdamW that knows the age of its rows."
import math
from dataclasses import dataclass

import torch
from torch.optim import Optimizer

KINDS = ("linear", "cosine", "constant")


@dataclass(frozen=True)
class Restart:
    """The learning-rate factor of a component: warmup to 1, then down to 0 at the last step T (Section 3.3).

    A component born at step s moves first in update s (0-based), k = u − s updates after its birth, and has T′ = T − s
    updates to live. With W′ = min(W, T′ // 2), so that a late component ends at zero too:
    linear: k / W′ for k < W′, then (T′ − k) / (T′ − W′). cosine: the same warmup, then ½(1 + cos(π (k − W′) / (T′ − W′))).
    constant: 1 (the released code without restarts).
    """

    total_steps: int  # T
    warmup_steps: int = 0  # W
    kind: str = "linear"

    def __post_init__(self):
        if self.kind not in KINDS:
            raise ValueError(f"kind={self.kind!r} is not known; allowed are {', '.join(map(repr, KINDS))}.")
        if self.total_steps < 1:
            raise ValueError(f"total_steps={self.total_steps} is too small; allowed are integers from 1.")
        if not 0 <= self.warmup_steps <= self.total_steps:
            raise ValueError(f"warmup_steps={self.warmup_steps} does not fit; allowed are 0 to {self.total_steps}, the training steps.")

    def __call__(self, update: int, born: int = 0) -> float:
        "The factor for the 0-based `update` of a component that moves first in update `born`."
        if self.kind == "constant":
            return 1.0
        age, life = update - born, self.total_steps - born
        warmup = min(self.warmup_steps, life // 2)
        if age < warmup:
            return max(0, age) / warmup
        left = max(0.0, (life - age) / max(1, life - warmup))
        return left if self.kind == "linear" else 0.5 * (1 + math.cos(math.pi * (1 - left)))


def per_row(values: list[float], p: torch.Tensor):
    "One number a row, shaped to multiply p: a plain number when all rows share it."
    if len(values) == 1:
        return values[0]
    return torch.tensor(values, device=p.device).view(-1, *[1] * (p.ndim - 1))


class RowAdamW(Optimizer):
    """AdamW for parameters whose first dimension grows: every row has its own age and, when born late, its own curve.

    A row that was not there in the update before is newborn: it rests in that update, as it has no gradient yet, then its
    bias correction counts its own updates and `restart` gives its learning rate from the group's peak. Rows present from
    the start, and all other parameters, follow the group's lr, that is, any torch scheduler. Rows that are gone are forgotten.
    Equal to `torch.optim.AdamW` with one parameter group per generation.
    """

    def __init__(self, params, lr: float = 1e-3, betas=(0.9, 0.999), eps: float = 1e-8, weight_decay: float = 0.0, restart: Restart | None = None):
        if lr < 0 or eps < 0 or weight_decay < 0:
            raise ValueError(f"lr={lr}, eps={eps}, weight_decay={weight_decay}: allowed are numbers from 0.")
        if not all(0 <= beta < 1 for beta in betas):
            raise ValueError(f"betas={tuple(betas)}: allowed are two numbers from 0 to below 1.")
        super().__init__(params, dict(lr=lr, betas=tuple(betas), eps=eps, weight_decay=weight_decay, updates=0))
        self.restart = restart

    @torch.no_grad()
    def step(self, closure=None):
        "One update of every parameter that has a gradient."
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    self._update(p, group)
            group["updates"] += 1
        return loss

    def _match_rows(self, p, update: int) -> dict:
        "The state of p with one entry per row: newborn rows added with age 0, rows that are gone cut off."
        state = self.state[p]
        if not state:
            state.update(exp_avg=torch.zeros_like(p), exp_avg_sq=torch.zeros_like(p), age=[0], born=[0])
        old, new = (len(state["exp_avg"]), len(p)) if p.ndim else (1, 1)
        if new == old:
            return state
        for key in ("age", "born"):
            rows = state[key] * old if len(state[key]) == 1 else state[key]
            state[key] = rows[:new] + [0 if key == "age" else update + 1] * (new - old)
        for key in ("exp_avg", "exp_avg_sq"):
            moments = state[key][:new]
            state[key] = torch.cat([moments, moments.new_zeros(new - len(moments), *p.shape[1:])])
        return state

    def _rate(self, group: dict, born: int) -> float:
        "Learning rate of a generation in this update."
        if born == 0 or self.restart is None:
            return group["lr"]
        return group.get("initial_lr", group["lr"]) * self.restart(group["updates"], born)

    def _update(self, p, group: dict) -> None:
        state, update = self._match_rows(p, group["updates"]), group["updates"]
        # a newborn row (born at the end of this update) has no gradient yet: it keeps age 0 and rests
        state["age"] = [age + (born <= update) for age, born in zip(state["age"], state["born"])]
        rates = [self._rate(group, born) * (born <= update) for born in state["born"]]
        (beta1, beta2), age = group["betas"], [max(1, age) for age in state["age"]]
        m, v = state["exp_avg"], state["exp_avg_sq"]
        m.lerp_(p.grad, 1 - beta1)
        v.mul_(beta2).addcmul_(p.grad, p.grad, value=1 - beta2)
        denominator = (v.sqrt() / per_row([math.sqrt(1 - beta2**n) for n in age], p)).add_(group["eps"])
        p.mul_(1 - per_row(rates, p) * group["weight_decay"])
        p.sub_(per_row([rate / (1 - beta1**n) for rate, n in zip(rates, age)], p) * m / denominator)
