"IncreLoRA: LoRA whose ranks grow while it trains."
__version__ = "0.1.0"
import os
import signal
import sys
import threading


def _end_early(number, frame):
    "Ctrl-C while one of our commands still imports: a sentence and status 130 instead of a traceback. Then `results.as_command` takes over."
    os.write(2, b"interrupted before anything was done\n")
    os._exit(128 + number)


_OUR_COMMAND = os.path.basename(sys.argv[0]).startswith("increlora_") or any(word.startswith("increlora.") for word in sys.orig_argv[1:4])
if _OUR_COMMAND and threading.current_thread() is threading.main_thread() and signal.getsignal(signal.SIGINT) is signal.default_int_handler:
    signal.signal(signal.SIGINT, _end_early)

from increlora.config import IncreLoraConfig
from increlora.doctor import doctor
from increlora.optim import Restart, RowAdamW
from increlora.trainer import IncreLoraCallback, last_checkpoint, row_adamw
from increlora.training import Growth, match_ranks
from increlora.model import IncreLoraModel, parameter_counts

__all__ = [
    "Growth", "IncreLoraCallback", "IncreLoraConfig", "IncreLoraModel", "Restart", "RowAdamW", "doctor", "last_checkpoint",
    "match_ranks", "parameter_counts", "row_adamw",
]
