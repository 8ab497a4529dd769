"""Two copies that do not differ, under "Compared": it should report no cost."""

import contextlib

from lab.truth.copies import SETTLE, Copies, Failure
from lab.truth.plugin import (
    COMPARE_WINDOW, INTERVAL, TRACING, Blocks, Series, running_collectd)

WINDOWS = 10
RATE = 100


def measure(service, warm):
    """{resource: [the value at the end of each window, or None]}"""
    with contextlib.ExitStack() as stack:
        copies = Copies(stack, service, ("off", "control"))
        collectd = stack.enter_context(
            running_collectd([Blocks(stack, copies).control()]))
        series = Series(collectd)
        copies.warm(series, warm)
        copies.load.ask(RATE)
        copies.watch(series, SETTLE)
        begin = copies.readings()
        copies.watch(series, WINDOWS * COMPARE_WINDOW * INTERVAL)
        end = copies.readings()
        copies.check_rate(RATE, begin, end)
        window = begin["time"], end["time"]
        values = {resource: series.compared(window, "compared-control", name)
                  for resource, name in TRACING.items()}
        if any(len(all_) != WINDOWS for all_ in values.values()):
            raise Failure(f"these are not {WINDOWS} windows: {values}")
        return values


def describe(service, values):
    found = {resource: sum(value is not None for value in all_)
             for resource, all_ in values.items()}
    counts = ", ".join(f"of {resource} in {count} of {WINDOWS}"
                       for resource, count in found.items())
    holds = "yes" if max(found.values()) <= WINDOWS // 10 else "no"
    return (f"{service.title}: two untraced copies at {RATE} requests/s, windows of "
            f"{COMPARE_WINDOW * INTERVAL} s with a value: {counts}. None in at least "
            f"nine of ten: {holds}")
