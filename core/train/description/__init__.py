"""A run in words, for readers who did not train it: the model card, a paragraph on the methods, and what to cite.

* :mod:`~core.train.description.facts`: what is known of a run, from its folder.
* :mod:`~core.train.description.methods`: the paragraph; each statement names the works that it rests on.
* :mod:`~core.train.description.citations`: these works as BibTeX.
* :mod:`~core.train.description.model_card`: the card, with the headings of Hugging Face.
"""
