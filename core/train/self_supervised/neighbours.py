"""The check of what is learned without labels: whether galaxies that are near in the features are of the same class.

The class of each validation galaxy is that of most of its nearest labelled training galaxies, near by the cosine of
their features. Nothing is learned from it, and no test galaxy is asked.

References
----------
Wu, Xiong, Yu & Lin 2018, arXiv:1805.01978.
"""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

ACCURACY = "neighbours_accuracy"
"""The name of the share that is right, in histories and numbers of runs."""


def tell_classes(
    known: NDArray[np.float32], classes: NDArray[np.int64], asked: NDArray[np.float32], neighbours: int
) -> NDArray[np.int64]:
    """The class (m,) that the nearest of the known galaxies tell for each one that is asked.

    Parameters
    ----------
    known, classes
        Features (n, F) of labelled galaxies, and their classes (n,).
    asked
        Features (m, F) of the galaxies in question.
    neighbours
        How many of the nearest vote; all if there are fewer.
    """
    from sklearn.neighbors import KNeighborsClassifier  # late: the import takes a second

    voters = KNeighborsClassifier(min(neighbours, len(known)), metric="cosine", algorithm="brute")
    return voters.fit(known, classes).predict(asked)


def accuracy(
    known: NDArray[np.float32],
    classes: NDArray[np.int64],
    asked: NDArray[np.float32],
    true: NDArray[np.int64],
    neighbours: int,
) -> float:
    """The share of the classes that the neighbours tell rightly; NaN where there is nothing to tell apart."""
    if len(asked) == 0 or len(np.unique(classes)) < 2:
        return math.nan
    return float((tell_classes(known, classes, asked, neighbours) == true).mean())
