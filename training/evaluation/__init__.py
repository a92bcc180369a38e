"""How good predictions are: figures with fixed definitions, of arrays alone. What each means: docs/evaluation.md."""

from training.evaluation.figures import ECE_BINS as ECE_BINS
from training.evaluation.figures import RECALL_SHARES as RECALL_SHARES
from training.evaluation.figures import ReliabilityBin as ReliabilityBin
from training.evaluation.figures import Scores as Scores
from training.evaluation.figures import brier as brier
from training.evaluation.figures import calibration_error as calibration_error
from training.evaluation.figures import evaluate as evaluate
from training.evaluation.figures import log_loss as log_loss
from training.evaluation.figures import recall_at as recall_at
from training.evaluation.figures import reliability as reliability
