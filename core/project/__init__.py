"""Files on disk: atomic writing, locks, the project folder, run folders, the journal of labels.

Every file is written under a temporary name, flushed to the disk and renamed. Paths inside a project are
relative, so that a project may be moved. Every file carries the number of its format; ``upgrades`` reads older ones.
"""
