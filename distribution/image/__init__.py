"""The container image: Debian's Python and libraries, mozu, and nothing else; no shell, no package manager."""
