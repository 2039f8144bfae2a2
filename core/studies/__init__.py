"""Many runs, one question.

``training_size`` asks how good a network becomes with so many labelled galaxies; ``curve`` fits what it finds.
``search`` looks for good settings, first coarsely and then finely; ``space`` says among which, ``trials`` keeps what
was tried, ``workers`` shares the work among processes and machines. The figures are in ``size_figure`` and
``search_figure``. The test part takes no share in any of it.
"""
