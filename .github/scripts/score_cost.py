"""What makes a scored step dear, and what would make it cheaper? Parts of one, alone: seconds of the processor, each
beside the way that the package takes, taking turns.

python .github/scripts/score_cost.py --out nbs/results/score_cost.json

One core; tensors of DeBERTaV3-base's attention with 8 x 64 tokens. A minute on a quiet core.
"""

import argparse
import sys
import time
from pathlib import Path
from statistics import median, quantiles

import torch
from torch import nn

from increlora.components import Components
from increlora.files import environment, write_json
from increlora.fused import fused_linear
from increlora.importance import thin_score
from increlora.probe import token_sum
from increlora.reserve import start
from increlora.scores import Moment, drawn_outputs, sensitivity

TOKENS, WIDTH, RANK = 512, 768, 2
draws = torch.Generator().manual_seed(0)


def normal(*shape):
    return torch.randn(*shape, generator=draws)


def components(reserve=0):
    c = Components(WIDTH, WIDTH)
    start(c, RANK, reserve, draws, init="unit")
    c.lam.data.fill_(0.1)
    return c


x, grads = normal(TOKENS, WIDTH), [normal(TOKENS, WIDTH) for _ in range(3)]
frozen = [nn.Linear(WIDTH, WIDTH).requires_grad_(False) for _ in range(3)]
three = [components() for _ in range(3)]
leaf = x.clone().requires_grad_()
outputs = {share: drawn_outputs(WIDTH, share, 0, 1, 0) for share in (1 / 2, 1 / 4, 1 / 8, 1 / 16)}
whole = token_sum(grads[0], x)
eighth, now = whole[outputs[1 / 8]], Moment(outputs=outputs[1 / 8], lengths=grads[0].norm(dim=0))


# the sum over tokens, and the mean over entries


def all_rows():
    token_sum(grads[0], x)


def some_rows(share):
    return lambda: token_sum(grads[0], x, outputs[share])


def some_rows_and_lengths(share):
    "What `score_rows` collects."

    def work():
        token_sum(grads[0], x, outputs[share])
        grads[0].square().sum(0)

    return work


def some_tokens():
    some = torch.randperm(TOKENS, generator=draws)[: TOKENS // 8]
    token_sum(grads[0][some], x[some])


def three_sums():
    for grad in grads:
        token_sum(grad, x)


def one_sum():
    token_sum(torch.cat(grads, 1), x)


@torch.no_grad()
def score():
    thin_score(three[0].b, three[0].folded(), whole)


@torch.no_grad()
def score_of_some():
    sensitivity(three[0], eighth, now)


# the way through three adapted layers with one input, forth and back


def backward(ys):
    torch.autograd.backward(ys, grads)
    leaf.grad = None
    for c in three:
        c.zero_grad()


def three_in_place():
    "What the package does: the update added into the frozen layer's output, the short side of each product first."
    backward([fused_linear(leaf, layer, c) for c, layer in zip(three, frozen)])


def three_layers():
    "Lesson 01's way."
    backward([c(leaf, layer(leaf)) for c, layer in zip(three, frozen)])


def one_input():
    "One product for the inner side of all three."
    h = (leaf @ torch.cat([c.folded() for c in three]).T).split(RANK, 1)
    backward([torch.addmm(layer(leaf), part, c.b) for part, c, layer in zip(h, three, frozen)])


def without_adapters():
    backward([layer(leaf) for layer in frozen])


inner = three[0].folded().detach()


def tall():
    return x @ inner.T


def wide():
    return inner @ x.T


def side(x, y, a, b, lam):
    return torch.addmm(y, x @ (a * lam[:, None]).T, b)


compiled = torch.compile(side, dynamic=True)


def three_compiled():
    backward([compiled(leaf, layer(leaf), c.a, c.b, c.lam) for c, layer in zip(three, frozen)])


GROUPS = {  # the first of each is what the others are divided by
    "∂L/∂ΔW of one matrix": {
        "all rows": all_rows,
        **{f"1/{round(1 / share)} of the rows": some_rows(share) for share in outputs},
        "1/8 of the rows, and lengths": some_rows_and_lengths(1 / 8),
        "1/8 of the tokens": some_tokens,
    },
    "∂L/∂ΔW of q, k and v": {"one after the other": three_sums, "in one product": one_sum},
    "Eq. 5 from it": {"all rows": score, "1/8 of the rows": score_of_some},
    "q, k and v with adapters, forth and back": {
        "in place, as the package does": three_in_place,
        "as lesson 01 does": three_layers,
        "one product for a": one_input,
        "torch.compile": three_compiled,
        "no adapters": without_adapters,
    },
    "a product with two components": {"x aᵀ": tall, "a xᵀ": wide},
}


def timed(work, repeats):
    begin = time.process_time()
    for _ in range(repeats):
        work()
    return (time.process_time() - begin) / repeats


def race(ways, turns, repeats):
    "Per way: milliseconds, and the ratio to the first way's turn with its quartiles."
    first = next(iter(ways))
    for work in ways.values():
        timed(work, 3)
    seconds = {name: [] for name in ways}
    for turn in range(turns):
        names = list(ways)
        for name in names[turn % len(names) :] + names[: turn % len(names)]:
            seconds[name].append(timed(ways[name], repeats))
    found = {}
    for name, own in seconds.items():
        ratio = [a / b for a, b in zip(own, seconds[first])]
        low, _, high = quantiles(ratio, n=4)
        found[name] = {
            "milliseconds": round(1e3 * median(own), 3),
            "ratio": round(median(ratio), 3),
            "quartiles": [round(low, 3), round(high, 3)],
        }
    return found


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--turns", type=int, default=25)
    parser.add_argument("--out", type=Path, default=Path("nbs/results/score_cost.json"))
    chosen = parser.parse_args()
    torch.set_num_threads(1)
    found = {}
    for group, ways in GROUPS.items():
        found[group] = race(ways, chosen.turns, 3)
        for name, row in found[group].items():
            print(f"{group}: {name:24}{row['milliseconds']:9.2f} ms {row['ratio']:6.2f} {row['quartiles']}", flush=True)
    setting = dict(tokens=TOKENS, width=WIDTH, rank=RANK, turns=chosen.turns)
    command = f"python .github/scripts/score_cost.py --turns {chosen.turns}"
    write_json(chosen.out, {"command": command, "setting": setting, **environment(), "parts": found})
    return 0


if __name__ == "__main__":
    sys.exit(main())
