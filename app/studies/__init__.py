"""The Studies room: training size and hyperparameter search."""
