"""The Studies room: training size, moving to another survey, hyperparameter search."""
