"""What is read from the headers of a Kafka message."""

from __future__ import annotations

from functools import lru_cache


@lru_cache(maxsize=1_024)  # nearly all messages have the same
def content_type_of(headers: tuple[tuple[str, bytes], ...]) -> str:
    """The header ``content-type``, or the empty text, which the codec refuses."""
    for name, value in headers:
        if name == "content-type":
            # Latin-1 reads any bytes; a content type that is not ASCII is refused later as unknown.
            return (value or b"").decode("latin-1")
    return ""
