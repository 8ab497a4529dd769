"""Waiting for what takes a moment."""

import time

# Seconds after which a wait fails. It only ends a test that hangs; no test measures
# time with it.
PATIENCE = 60


def wait_for(condition, what, log=lambda: ""):
    """Returns the first true value of `condition()`."""
    end = time.monotonic() + PATIENCE
    while time.monotonic() < end:
        value = condition()
        if value:
            return value
        time.sleep(0.05)
    raise AssertionError(f"waited in vain for {what}\n{log()}")
