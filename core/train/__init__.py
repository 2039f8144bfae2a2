"""Teaching a network, in the order in which it happens.

``loop`` is the run: one generator from first batch to last checkpoint. ``batches`` feeds it, ``augment`` varies
the galaxies on the device, ``stopping`` decides when enough is enough, ``checkpoint`` keeps the best and the last.
"""
