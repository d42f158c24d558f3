"IncreLoRA: LoRA whose ranks grow while it trains."
__version__ = "0.1.0"
from increlora.doctor import doctor
from increlora.optim import Restart, RowAdamW
from increlora.trainer import IncreLoraCallback, last_checkpoint, row_adamw
from increlora.training import Growth, match_ranks
from increlora.tuner import IncreLoraConfig, IncreLoraModel, parameter_counts

__all__ = [
    "Growth", "IncreLoraCallback", "IncreLoraConfig", "IncreLoraModel", "Restart", "RowAdamW", "doctor", "last_checkpoint",
    "match_ranks", "parameter_counts", "row_adamw",
]
