"Algorithm 1, lines 6 to 9: when, who and how much. Plain numbers in, plain numbers out."
import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Schedule:
    """When the total rank grows from modules·init_r to target_total, `top_h`·`per_win` components a round.

    Steps t are 1-based as in Algorithm 1 (the released code's global_step is t − 1). The first round is at step `first`,
    by default ν = `interval`; the others follow every ν steps.
    """

    modules: int  # n
    target_total: int  # r_final
    top_h: int  # h
    interval: int  # ν
    init_r: int = 1
    per_win: int = 1
    first: int | None = None

    def __post_init__(self):
        start = self.modules * self.init_r
        for name in ("modules", "top_h", "interval", "init_r", "per_win"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name}={getattr(self, name)} is too small; allowed are integers from 1.")
        if self.top_h > self.modules:
            raise ValueError(f"top_h={self.top_h} is more than there are modules; allowed are 1 to {self.modules}.")
        if self.target_total < start:
            raise ValueError(f"target_total_rank={self.target_total} is below the start {self.modules}·{self.init_r}; allowed is {start} or more.")
        if self.first is None:
            object.__setattr__(self, "first", self.interval)
        if self.first < 1:
            raise ValueError(f"first={self.first} is not a training step; allowed are integers from 1.")

    @property
    def rounds(self) -> int:
        "Number of allocation rounds until the budget is spent."
        return math.ceil((self.target_total - self.modules * self.init_r) / (self.top_h * self.per_win))

    @property
    def last(self) -> int:
        "Step of the last round, 0 without rounds."
        return self.first + (self.rounds - 1) * self.interval if self.rounds else 0

    @property
    def max_rank(self) -> int:
        "The highest rank one module could reach, by winning every round."
        return self.init_r + self.rounds * self.per_win

    def allocates(self, t: int) -> bool:
        "Whether step t is an allocation step (Algorithm 1, line 8)."
        return t >= self.first and (t - self.first) % self.interval == 0

    def total_after(self, t: int) -> int:
        "r_total after step t."
        done = max(0, (t - self.first) // self.interval + 1)
        return min(self.target_total, self.modules * self.init_r + done * self.top_h * self.per_win)

    def check(self, total_steps: int) -> None:
        "ValueError when the budget cannot be spent in `total_steps`, with values that would."
        if self.last <= total_steps:
            return
        lead = self.first - self.interval  # steps before the first interval starts
        fits = [f"{self.last} or more training steps"]
        if (total_steps - lead) // self.rounds >= 1:
            fits.append(f"interval <= {(total_steps - lead) // self.rounds}")
        possible = (total_steps - self.first) // self.interval + 1
        if possible >= 1:
            missing = self.target_total - self.modules * self.init_r
            need = math.ceil(missing / (self.per_win * possible))
            if need <= self.modules:
                fits.append(f"top_h >= {need}")
            fits.append(f"target_total_rank <= {self.total_after(total_steps)}")
        raise ValueError(
            f"target_total_rank={self.target_total} is not reached: {self.rounds} rounds end at step {self.last}, training has "
            f"{total_steps} steps; allowed are {', or '.join(fits)}."
        )

    def describe(self, total_steps: int | None = None) -> str:
        "The plan in a few lines, printed before training."
        share = f" ({self.last / total_steps:.0%} of {total_steps} steps)" if total_steps else ""
        lines = [f"total rank {self.modules * self.init_r} -> {self.target_total} over {self.modules} modules"]
        if self.rounds:
            lines.append(f"{self.rounds} rounds of {self.top_h} winners, {self.per_win} component(s) each, every {self.interval} steps")
            lines.append(f"first round at step {self.first}, last at step {self.last}{share}")
            lines.append(f"highest rank one module can reach: {self.max_rank}")
        return "\n".join(lines)


def select(scores: Mapping[str, float], ranks: Mapping[str, int], limits: Mapping[str, int], top_h: int, room: int, per_win: int = 1) -> dict[str, int]:
    """The winners of one round and the components each gets (Algorithm 1, line 9).

    At most `top_h` modules with the highest finite scores win, ties in module order; a module stays within its limit
    min(in, out), and all together get at most `room` components, what is left of the budget.
    """
    eligible = [name for name in scores if math.isfinite(scores[name]) and ranks[name] < limits[name]]
    gains = {}
    for name in sorted(eligible, key=lambda name: -scores[name])[:top_h]:  # sorted() keeps the order of equals
        gain = min(per_win, limits[name] - ranks[name], room)
        if gain:
            gains[name] = gain
        room -= gain
    return gains
