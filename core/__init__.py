"""Tuning Fork without a window: the library behind the program, to be read in this order.

``errors`` and ``events`` define what a long computation may report, ``settings`` how a setting is declared, and
``project`` how files are laid out on disk. ``data`` turns files into a dataset, ``simulate`` generates galaxies,
``nets`` builds the network, ``metrics`` measures how good its outputs are, ``train`` trains it, ``evaluate`` tests it,
``explain`` computes attribution maps, ``studies`` compares many runs, ``publish`` hands results on to people and other
programs, and ``cli`` offers all of that on the command line.

Examples
--------
A notebook opens a dataset, trains a network, predicts with it, and explains a prediction:

>>> from core.data.cutouts import Cutouts
>>> from core.evaluate import predict
>>> from core.events import result_of
>>> from core.explain import methods
>>> from core.nets.predictor import Predictor
>>> from core.train import loop
>>> from core.train.settings import RunSettings

>>> with Cutouts.open("survey.h5") as cutouts:
...     image = cutouts.images[0]
>>> settings = RunSettings.model_validate({"network": {"depth": 2}, "optimiser": {"epochs": 3}})
>>> trained = result_of(loop.run(settings, "survey.h5", "runs/mine"))
>>> predictions = result_of(predict.run("runs/mine", "survey.h5"))
>>> predictor = Predictor.load("runs/mine")
>>> why = result_of(methods.explain("occlusion", predictor, image))
>>> print(f"{predictions.ids[0]} is called {predictions.predicted[0]}; the map has {why.map.shape} pixels")
587722981742085100 is called ...; the map has (24, 24) pixels

Long computations are generators of events; :func:`~core.events.result_of` runs one to its end. See
:mod:`core.events` for following its progress, and :func:`core.train.loop.run` for training.
"""
