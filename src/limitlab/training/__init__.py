"""Floor 5: domain-shift experiments. Nothing heavy is imported before a model is trained."""

from limitlab.training.config import TrainConfig
from limitlab.training.curve import CurvePoint
from limitlab.training.experiment import train
from limitlab.training.forgetting import general_data, general_folder
from limitlab.training.one_model import TrainedModel
from limitlab.training.result import Change, TrainResult
from limitlab.training.sizes import nested
from limitlab.training.stored import finished_models, load_training

__all__ = [
    "Change",
    "CurvePoint",
    "TrainConfig",
    "TrainResult",
    "TrainedModel",
    "finished_models",
    "general_data",
    "general_folder",
    "load_training",
    "nested",
    "train",
]
