"""Messages that commands print while they work."""

import time


def print_step(sentence: str) -> None:
    """Print what comes next, and when."""
    print(f"{time.strftime('%H:%M:%S')}  {sentence}", flush=True)
