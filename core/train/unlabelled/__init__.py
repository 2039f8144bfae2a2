"""Learning from galaxies without labels while a network is trained: a further term of the loss, step by step.

* :mod:`~core.train.unlabelled.settings`: which method, and which galaxies.
* :mod:`~core.train.unlabelled.fixmatch`, :mod:`~core.train.unlabelled.coral`, :mod:`~core.train.unlabelled.mmd`,
  :mod:`~core.train.unlabelled.dann`, :mod:`~core.train.unlabelled.mcc`: the methods, each a function over tensors.
* :mod:`~core.train.unlabelled.galaxies`: which galaxies may be shown, none of which the run is judged on.
* :mod:`~core.train.unlabelled.images`, :mod:`~core.train.unlabelled.views`: their batches, and how they are varied.
* :mod:`~core.train.unlabelled.term`: what the training loop adds to its loss.
* :mod:`~core.train.unlabelled.judgement`: whether it has made things worse.
"""
