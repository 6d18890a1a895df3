"""The framework. Plugins stand on `mozu.core.api` alone; docs/architecture.md shows the rooms."""
