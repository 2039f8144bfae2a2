"""Many runs, one question.

``training_size`` asks how good a network becomes with so many labelled galaxies: ``size_study`` is what it has found,
``curve`` the law through it. ``search`` looks for good settings, first coarsely and then finely: ``space`` says among
which, ``trying`` is one trial, ``trials`` what was found, ``journal`` the memory that processes and machines share, and
``workers`` the processes. The test part takes no share in any of it.
"""
