"""The page behind `mozu view --export`: alerts in one file that a browser shows, without any request to elsewhere."""

from mozu.plugins.pages.view.export import exported

__all__ = ["exported"]
