"""The kernel and the reading side: records, models, store, ranking, answers, HTTP."""

__version__ = "0.1.0"
