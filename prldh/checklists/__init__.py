"""Reporting checklists, filled in from what a run shows.

``dossier`` gathers what is known, ``*_rules`` look for the evidence of each item, ``answers`` are the author's,
``score`` is that of METRICS, ``writing`` makes HTML, CSV, JSON and DOCX. The items are data (``data/``), in our own
words, with their source.
"""
