"""`python -m tests.support.edges FAMILY PLACE FILE`."""

from tests.support.edges import main

main()
