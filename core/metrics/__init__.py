"""How good a network's outputs are, in numbers: the same for a training, a finished network and a study.

``report`` judges the predictions for many galaxies, ``merits`` gives its numbers names and sampling errors, and
``tally`` collects outputs batch by batch while a network learns.
"""
