"""Learned quality: steps that score by a trained model, training, metrics, report."""

if "." not in __name__:
    raise ImportError("import corpusmill.filters.classifier instead")

from .steps import QualityClassifier, QualityTopShare
from .training import train_classifier

__all__ = ["QualityClassifier", "QualityTopShare", "train_classifier"]
