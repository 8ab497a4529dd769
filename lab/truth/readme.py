"""What the README says of a measurement of all languages."""

import statistics

from lab.truth.tables import differences, spread

# Requests a second.
RATE = 100


def compared(runs):
    """What the plugin reports, if it reports anything."""
    said = [value for run in runs for value in run["reported"]["compared"]["cpu"]
            if value is not None]
    return f"{statistics.fmean(said):.2f}" if said else "nothing"


def listed(words):
    return f"{', '.join(words[:-1])} and {words[-1]}"


def sentences(results_of):
    """`results_of` is {language: {load: results}}."""
    runs_of = {title: results[RATE] for title, results in results_of.items()}
    took = listed([
        f"{spread(differences(runs, 'cpu', 'traced', 'off'), 2)} in {title}"
        for title, runs in runs_of.items()])
    said = listed([compared(runs) for runs in runs_of.values()])
    return (f"In a service with OpenTelemetry's SDK at {RATE} requests a second, tracing "
            f"took, in percent of a CPU: {took}. The rate says 0.50.\n"
            "`TracingOverhead \"Compared\"` "
            f"[reported](docs/evidence/measured-overhead.md) {said}.")
