"""What may be logged of an exception that no code expected: its message may quote a customer."""

import traceback

_DEEPEST = 6  # frames


def without_words(error: BaseException) -> str:
    """The kind of the exception and where it happened, the innermost frame first."""
    frames = traceback.extract_tb(error.__traceback__)[-_DEEPEST:]
    places = " < ".join(f"{frame.filename}:{frame.lineno} {frame.name}" for frame in reversed(frames))
    return f"{type(error).__name__} at {places}"
