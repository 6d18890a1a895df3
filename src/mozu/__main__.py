"""`python -m mozu`."""

from mozu.core.cli import main

if __name__ == "__main__":
    main()
