"""`python -m tests.support.calls FAMILY PLACE FILE`."""

from tests.support.calls import main

main()
