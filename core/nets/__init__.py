"""The network: built by depth, described layer by layer, kept in one file with all that it needs.

``cnn`` is the network of the course, ``heads`` what its outputs mean for each kind of target, ``losses`` how wrong
they are, ``layers`` its table with the receptive field, ``predictor`` the network together with its input scaling
and the names of its outputs, ``opening`` that with the dataset it is shown, ``device`` where and how precisely it is
computed.
"""
