"Equations 5 to 8: which module would the loss miss most?"
import torch
from torch import nn

NORMS = ("mean", "sqrt")
CALLS = ("sum", "first")


class _GradientTap(torch.autograd.Function):
    "Identity for `output`; on the way back it hands ∂L/∂ΔW = Σ (∂L/∂y) xᵀ to `probe`, a stand-in for ΔW that is never read."

    @staticmethod
    def forward(ctx, output, x, probe):
        ctx.save_for_backward(x)
        return output.view_as(output)

    @staticmethod
    def backward(ctx, grad):
        (x,) = ctx.saved_tensors
        # float32 also under autocast: the sum over tokens loses digits in half precision
        return grad, None, grad.flatten(0, -2).float().mT @ x.flatten(0, -2).float()


class Probe:
    """Collects ∂L/∂ΔW, (out, in), of one module over all its calls and micro-batches since `clear`.

    The probe is an expanded zero: it takes no memory until a gradient arrives. `calls="first"` keeps the gradient of the
    first call in the last forward pass only, as the released code does.
    """

    def __init__(self, out_features: int, in_features: int, calls: str = "sum"):
        if calls not in CALLS:
            raise ValueError(f"calls={calls!r} is not known; allowed are 'sum' and 'first'.")
        self.shape, self.calls = (out_features, in_features), calls
        self.weight, self.seen = None, False

    def __call__(self, output: torch.Tensor, x: torch.Tensor) -> torch.Tensor:
        "Watch one call: the output is returned unchanged."
        if self.weight is None or self.weight.device != x.device:
            self.weight = torch.zeros((), device=x.device).expand(self.shape).requires_grad_()
        if self.calls == "first" and self.seen:
            return output
        self.seen = True
        return _GradientTap.apply(output, x, self.weight)

    @property
    def gradient(self) -> torch.Tensor | None:
        "∂L/∂ΔW collected so far, (out, in) in float32, or None when no backward pass reached this module."
        return None if self.weight is None else self.weight.grad

    def clear(self) -> None:
        "Forget the gradient, after a score was read."
        if self.weight is not None:
            self.weight.grad = None

    def start_pass(self) -> None:
        "Called before each forward pass: `calls=\"first\"` starts over, the sum over micro-batches goes on."
        if self.calls == "first":
            self.seen = False
            self.clear()


def raw_score(delta: torch.Tensor, grad: torch.Tensor, norm: str = "mean") -> torch.Tensor:
    """S of one module, a scalar (Eq. 5): mean |ΔW ⊙ ∂L/∂ΔW| over the entries of the two (out, in) matrices.

    `norm="sqrt"`: the sum divided by √(number of entries), as in the released code.
    """
    if norm not in NORMS:
        raise ValueError(f"norm={norm!r} is not known; allowed are 'mean' and 'sqrt'.")
    return (delta * grad).abs().sum() / (delta.numel() if norm == "mean" else delta.numel() ** 0.5)


def smooth(averages: torch.Tensor, score: torch.Tensor, beta1: float, beta2: float) -> torch.Tensor:
    """One step of Eq. 6 and 7. averages: (..., 2) holds I and U; score: (...). A score that is not finite changes nothing."""
    old_i, old_u = averages.unbind(-1)
    new_i = beta1 * old_i + (1 - beta1) * score  # I, Eq. 6
    new_u = beta2 * old_u + (1 - beta2) * (score - new_i).abs()  # U with the new I, Eq. 7
    return torch.where(torch.isfinite(score)[..., None], torch.stack([new_i, new_u], -1), averages)


class Importance(nn.Module):
    "The smoothed importance of one module: I, U and Ŝ = I·U (Eq. 6 to 8), kept in a buffer so that checkpoints hold it."

    def __init__(self, beta1: float = 0.85, beta2: float = 0.85):
        super().__init__()
        self.beta1, self.beta2 = beta1, beta2
        self.register_buffer("averages", torch.zeros(2))
        self.finite = True

    @torch.no_grad()
    def update(self, score: torch.Tensor) -> None:
        "Take the raw score of this step in."
        self.averages.copy_(smooth(self.averages, score.to(self.averages), self.beta1, self.beta2))
        self.finite = torch.isfinite(score)

    @property
    def value(self) -> float:
        "Ŝ = I·U (Eq. 8), or NaN when the last raw score was not finite: such a module wins nothing."
        return float(self.averages.prod()) if bool(self.finite) else float("nan")
