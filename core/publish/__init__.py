"""Publish: what leaves the program for others to use.

A network as an ONNX file with a script that predicts without this program, a run as a report in one HTML file, and
tables and images over SAMP to the other programs on the desktop. What is said of a run (model card, methods, works to
cite) is put into words by :mod:`core.train.description`.
"""
