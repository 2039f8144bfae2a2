"""Studies: many runs that answer one question.

``training_size`` measures how the score depends on the number of labelled galaxies: ``size_study`` is its result,
``power_law`` the learning curve fitted to it. ``search`` is the hyperparameter search, first coarse and then fine:
``search_space`` defines its ranges, ``trial`` runs one trial, ``trials`` is the result, ``journal`` the storage that
processes and machines share, and ``workers`` the processes. ``study_package`` takes a study to another
machine and back. None of them uses the test part.
"""
