"""Tuning Fork without a window: a textbook of the course, to be read in this order.

``errors`` and ``events`` say what work may report, ``settings`` how a knob is declared, ``project`` where
things lie on disk. ``data`` turns files into a dataset, ``simulate`` makes galaxies, ``nets`` builds the
network, ``metrics`` says how good its outputs are, ``train`` teaches it, ``evaluate`` judges it, ``explain`` asks it
why, ``adapt`` moves it to another survey, and ``cli`` puts all of that on a command line.

Examples
--------
A notebook opens a dataset, trains a network, predicts with it, and asks it why:

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

Long work is a generator of events; :func:`~core.events.result_of` runs it to its end. See :mod:`core.events` for
watching it, and :func:`core.train.loop.run` for a training.
"""
