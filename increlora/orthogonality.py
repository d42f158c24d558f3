"Equation 4: how far the components of each module are from orthonormal."
from collections import defaultdict
from collections.abc import Iterable

import torch

from increlora.components import Components

FORMS = ("paper", "official")


def gram_error(vectors: torch.Tensor) -> torch.Tensor:
    "V Vᵀ − I for stacks of row vectors V: (..., rows, d) -> (..., rows, rows)."
    return vectors @ vectors.mT - torch.eye(vectors.shape[-2], dtype=vectors.dtype, device=vectors.device)


def orthogonality(matrices: Iterable[torch.Tensor], form: str = "paper") -> torch.Tensor:
    """Orthogonality loss of many matrices of row vectors, a scalar (Eq. 4).

    "paper": Σ ‖V Vᵀ − I‖²_F. "official": mean over matrices of ‖V Vᵀ − I‖_F, not squared (released code's trainer).
    Matrices of one shape go through one batched product.
    """
    if form not in FORMS:
        raise ValueError(f"form={form!r} is not known; allowed are 'paper' and 'official'.")
    shapes = defaultdict(list)
    for m in matrices:
        shapes[m.shape].append(m)
    squares = [gram_error(torch.stack(group)).square().sum((-2, -1)) for group in shapes.values()]
    squares = torch.cat(squares) if squares else torch.zeros(1)
    if form == "paper":
        return squares.sum()
    # sqrt has no gradient at 0: an orthonormal matrix gets the gradient 0, as torch.linalg.norm gives it
    return torch.where(squares > 0, squares.clamp_min(torch.finfo(squares.dtype).tiny).sqrt(), 0.0).mean()


def regularizer(components: Iterable[Components], form: str = "paper", rows: str = "all") -> torch.Tensor:
    "Eq. 4 over the a and b of every module. `rows`: \"all\" rows, or only the \"active\" ones."
    used = [(c.a, c.b) if rows == "all" else (c.a[: c.rank], c.b[: c.rank]) for c in components]
    return orthogonality([m for pair in used for m in pair if len(m)], form)
