"""Faults, injected."""
