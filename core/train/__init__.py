"""Teaching a network, in the order in which it happens.

``preparation`` settles the ``plan`` of a run. ``loop`` is the run: one generator from first batch to last checkpoint.
``batches`` feeds it, ``augmentation`` varies the galaxies on the device, ``descent`` moves the weights at the rate of
the ``schedule``, ``stopping`` decides when enough is enough, ``verdict`` says whether it has converged, ``checkpoint``
keeps the best and the last. Before all that, ``range_test`` suggests a learning rate.
"""
