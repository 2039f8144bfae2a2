"""Training a network.

``preparation`` makes the ``plan`` of a run. ``loop`` is the run: one generator from the first batch to the last
checkpoint. ``batches`` supplies the images, ``augmentation`` varies them on the device, ``forward`` passes them through
the network, and ``optimiser`` updates the weights at the learning rate of the ``schedule``. ``stopping`` is early
stopping, ``verdict`` says whether the run has converged, ``checkpoint`` saves the last epochs, and ``run_report``
writes metrics, log and model card. Before all that, ``learning_rate_finder`` suggests a
learning rate and ``batch_size_finder`` a batch size; ``job_package`` takes a training to another machine and back.
"""
