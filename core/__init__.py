"""Tuning Fork without a window: a textbook of the course, to be read in this order.

``errors`` and ``events`` say what work may report, ``settings`` how a knob is declared, ``project`` where
things lie on disk. ``data`` turns files into a dataset, ``simulate`` makes galaxies, ``nets`` builds the
network, ``metrics`` says how good its outputs are, ``train`` teaches it, ``evaluate`` judges it, ``explain`` asks it
why, ``adapt`` moves it to another survey, and ``cli`` puts all of that on a command line.
"""
