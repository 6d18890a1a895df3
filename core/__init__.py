"""The framework. Plugins import `mozu.core.api` alone; docs/architecture.md describes the packages."""
