"""Attribution maps: which part of an image a network's output rests on; and what the network has learned.

Each method is one function of a predictor and one image and returns an ``explanation``: ``occlusion`` covers the
image piece by piece, ``integrated_gradients`` integrates the gradient from an empty image to the full one,
``sampled_gradients`` averages gradients over random draws, ``gradcam`` weights the maps of a layer; ``deconvnet``
projects one response back to the pixels, and ``guided`` the score, both with a backward pass from
``backward_rules``. ``methods`` lists them all; ``explained_output`` is what each of them starts from.

``activations`` holds the responses of every layer, and ``top_activations`` finds the galaxies that excite each filter
most; ``mosaics`` draws them.

Besides the maps there are ``dreams``, images that maximise an output or a response (activation maximisation), and
``features``, which embeds the galaxies of a dataset in a plane by the network's last features. Whether a map can be
trusted is the subject of ``faithfulness``.
"""
