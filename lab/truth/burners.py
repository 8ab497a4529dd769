"""Threads that use known shares of a CPU, and what the plugin reports of them."""

import contextlib
import time

from lab.truth import services
from lab.truth.copies import Program
from lab.truth.plugin import (COMPONENT_CPU, CPU, INTERVAL, TRACING_CPU, Series, block,
                    running_collectd)

# The CPU that each thread uses, in percent. The first two names are names of SDKs'
# threads, cut as by the kernel.
THREADS = {"BatchSpanProces": 10, "OpenTelemetry.T": 4, "retr-1": 20,
           "retr-2": 6, "main-work": 5}


def blocks(selector, truth_only):
    whole = block("whole", selector)
    if truth_only:
        return [whole]
    return [
        whole,
        block("known", selector, 'TracingOverhead "Threads"'),
        block("named", selector, 'TracingOverhead "Threads"',
              'TracingThread "^retr-"'),
        block("component", selector, '<Component "retrieval">',
              'Thread "^retr-"', "</Component>"),
    ]


def measure(seconds, truth_only):
    """[what, truth in percent of a CPU, what the plugin says]"""
    with contextlib.ExitStack() as stack:
        program = Program(
            stack, services.BUILT / "threads",
            *(f"{name}={share}" for name, share in THREADS.items()))
        collectd = stack.enter_context(running_collectd(blocks(
            f'CommandLine "^{program.process.args[0]} "', truth_only)))
        series = Series(collectd)
        readings = []
        for duration in (3 * INTERVAL, seconds):
            for _ in range(duration * 2):
                series.scrape()
                time.sleep(0.5)
            readings.append((time.time(), program.ask("").split()))
    return compare(series, *readings, truth_only)


def compare(series, first, last, truth_only):
    (begin, before), (end, after) = first, last
    shares = {name: (float(new) - float(old)) / (end - begin) * 100
              for name, old, new in zip(THREADS, before, after)}
    rows = [("all threads: `process_cpu_percent`", sum(shares.values()),
             series.mean((begin, end), "whole", CPU))]
    if truth_only:
        return rows
    retrieval = shares["retr-1"] + shares["retr-2"]
    return rows + [
        ('`BatchSpanProces` and `OpenTelemetry.T`: `TracingOverhead "Threads"`',
         shares["BatchSpanProces"] + shares["OpenTelemetry.T"],
         series.mean((begin, end), "known", TRACING_CPU)),
        ('`retr-1` and `retr-2`: `TracingThread "^retr-"`', retrieval,
         series.mean((begin, end), "named", TRACING_CPU)),
        ('`retr-1` and `retr-2`: `<Component "retrieval">`', retrieval,
         series.mean((begin, end), "component", COMPONENT_CPU, "retrieval"))]
