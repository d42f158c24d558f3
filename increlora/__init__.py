"IncreLoRA: LoRA whose ranks grow while it trains."
__version__ = "0.1.0"
import sys
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING

_words = tuple(sys.orig_argv)
# the command `increlora`, also as `python -m increlora`, imports what its subcommand needs
_COMMAND = Path(*sys.argv[:1]).stem == "increlora" or ("-m", "increlora") in zip(_words, _words[1:])

if TYPE_CHECKING or not _COMMAND:
    from increlora.checkpoints import last_checkpoint
    from increlora.config import IncreLoraConfig
    from increlora.doctor import doctor
    from increlora.model import IncreLoraModel, parameter_counts
    from increlora.optim import Restart, RowAdamW
    from increlora.trainer import IncreLoraCallback, row_adamw
    from increlora.training import Growth, match_ranks

__all__ = [
    "Growth",
    "IncreLoraCallback",
    "IncreLoraConfig",
    "IncreLoraModel",
    "Restart",
    "RowAdamW",
    "doctor",
    "last_checkpoint",
    "match_ranks",
    "parameter_counts",
    "row_adamw",
]
_HOMES = ("checkpoints", "config", "doctor", "model", "optim", "trainer", "training")


def __getattr__(name: str):
    "A public name that the command has not imported yet."
    if name in __all__:
        for home in _HOMES:
            module = import_module(f"increlora.{home}")
            if hasattr(module, name):
                return getattr(module, name)
    raise AttributeError(f"module 'increlora' has no attribute {name!r}")
