"""Frozen models on new patients: predictions, and external validation where their outcomes are known."""
