"""Virtual machines of Debian with the package in them: `make vm`."""
