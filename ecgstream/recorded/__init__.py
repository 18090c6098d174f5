"""Recordings in files: read from ten formats, written to four, always in the recording's own raw units."""

from .read import read_recording
from .recording import RecordedChannel, RecordedSignal
from .write import WRITERS, write_recording

__all__ = ["WRITERS", "RecordedChannel", "RecordedSignal", "read_recording", "write_recording"]
