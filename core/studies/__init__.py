"""Studies: many runs that answer one question.

``training_size`` measures how good a network becomes with N labelled galaxies: ``size_study`` holds the results, and
``power_law`` fits the learning curve. ``search`` optimises the settings, first coarsely and then finely:
``search_space`` is the space that it samples, ``trial`` runs one trial, ``trials`` holds the results, ``journal`` is
the storage that processes and machines share, and ``workers`` are the processes. The test part is never used.
"""
