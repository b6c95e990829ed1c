"""The notebooks that ship, in JupyterLab: opened, run and looked at, and never saved over."""

from __future__ import annotations

from jupyter_server.services.contents.largefilemanager import AsyncLargeFileManager


class ShippedNotebooks(AsyncLargeFileManager):
    """Files that JupyterLab opens as read-only."""

    def is_writable(self, path: str) -> bool:
        """Nothing is."""
        return False
