"""The learned detector beside the phrases: small, explainable, deterministic, and optional."""

from .model import Detector, builtin_detector, load_detector

__all__ = ["Detector", "builtin_detector", "load_detector"]
