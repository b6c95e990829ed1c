"""Thin faces over core and the pipelines."""
