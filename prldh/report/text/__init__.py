"""Methods and Results in plain English, written from ``results.json``."""
