"""The limits of a call's memory in an event, whichever source reads it. bpf/ has the same numbers."""

from typing import Final

TEXT_MAX: Final = 4095
"""Bytes of a text without its NUL."""
DATA_MAX: Final = 80
"""Bytes of a buffer, unless the source is configured otherwise (`snaplen`)."""
BLOCK_MAX: Final = 128
"""Bytes of a memory block that is no text."""
SOCKADDR_MAX: Final = 128
"""Bytes of a struct sockaddr: sizeof(struct sockaddr_storage)."""
IOVECS_MAX: Final = 16
"""Elements of an array of struct iovec whose lengths are added up."""
IOVECS_READ: Final = 4
"""Elements whose buffers are read."""
MESSAGES_MAX: Final = 8
"""Messages of one sendmmsg or recvmmsg that become events."""
