"""The dashboard: five tabs over scenarios and runs, for people who never open a notebook."""

from planwise_nb.apps.dashboard.frame import open_dashboard

__all__ = ["open_dashboard"]
