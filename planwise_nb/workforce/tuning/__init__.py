"""Finds the levers that reach a target: the simulation is the only model, and the least change from today wins."""
