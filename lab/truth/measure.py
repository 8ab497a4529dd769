"""Measures by the kernel what tracing costs a service, of which copies run with and
without it at the same time, and compares this with what the plugin reports of the copies.

Prints tables, and writes them into the page that --page names.
docs/evidence/measured-overhead.md says what is measured and what the figures mean."""

import argparse
import contextlib
import datetime
import os
import pathlib
import platform
import signal
import sys

from lab import report
from lab.truth import burners, null_test, readme, tables
from lab.truth.copies import Copies, Failure, truth
from lab.truth.plugin import (
    COMPARE_WINDOW, Blocks, Series, reported, running_collectd, traffic)
from lab.truth.services import COPIES, SERVICES


def measure_once(service, rates, reverse, arguments, detected):
    """{load: result} of copies that are started for it. Fills in what is detected, if
    it is empty."""
    order = -1 if reverse else 1
    truth_only = arguments.truth_only
    with contextlib.ExitStack() as stack:
        copies = Copies(stack, service, COPIES[::order])
        blocks = Blocks(stack, copies)
        collectd = stack.enter_context(running_collectd(
            [blocks.estimate()] if truth_only else blocks.all()))
        series = Series(collectd)
        if not detected:
            detected.update(blocks.detected())
        idle = copies.warm(series, arguments.warm)
        results = {}
        for rate in rates[::order]:
            begin, end, memory = copies.window(series, rate, arguments.window)
            before, idle = idle, copies.drain(series)
            results[rate] = {
                "truth": truth(rate, begin, end, memory),
                "exported": copies.exported(before, idle),
                "reported": reported(series, (begin["time"], end["time"]), truth_only),
                "traffic": None if truth_only else traffic(
                    copies.sink, series, before["time"], idle["time"])}
        return results


def measure_service(service, arguments):
    """{load: [result of each window]} and what is detected of the copies."""
    rates = [rate for rate in arguments.rates if rate <= service.most]
    results, detected = {rate: [] for rate in rates}, {}
    for repetition in range(arguments.repetitions):
        # Every other time in the reverse order: no copy and no load is always the first.
        once = measure_once(service, rates, repetition % 2 == 1, arguments, detected)
        for rate, one in once.items():
            results[rate].append(one)
            cpu = one["truth"]["cpu"]
            print(f"{service.title} [{repetition + 1}/{arguments.repetitions}] {rate} "
                  f"requests/s: {cpu['traced'] - cpu['off']:.2f} % of a CPU",
                  file=sys.stderr, flush=True)
    return results, detected


def about(results_of, arguments):
    windows = [run for results in results_of.values() for runs in results.values()
               for run in runs]
    others = [run["truth"]["others"] for run in windows]
    checked = [run["reported"]["traced"]["cpu"] - run["truth"]["cpu"]["traced"]
               for run in windows]
    kernel = ".".join(platform.release().split(".")[:2])
    return (f"{datetime.date.today().isoformat()}, {os.cpu_count()} × "
            f"{report.cpu_model()}, Linux {kernel}; {arguments.repetitions} × "
            f"{arguments.window} s for each load. Meanwhile the rest of the "
            f"machine used {tables.spread(others, 0)} % of a CPU, this comparison and "
            f"collectd included. `process_cpu_percent` of the traced copies was "
            f"{tables.spread(checked, 2)} points from the truth.")


def describe_service(service, results, detected, arguments):
    truth_only = arguments.truth_only
    parts = [f"### {service.title}", f"{service.versions()}."]
    left_out = [rate for rate in arguments.rates if rate not in results]
    if left_out:
        parts.append(f"It does not keep up with {' and '.join(map(str, left_out))} "
                     "requests/s.")
    parts += ["CPU, percent of one core:",
              tables.resource_table(results, "cpu", truth_only),
              "Resident memory, MiB:",
              tables.resource_table(results, "memory", truth_only),
              "One request: µs of CPU in each copy, and bytes of the TCP streams "
              "between the traced copy and the collector:",
              tables.request_table(results)]
    if not truth_only:
        parts += ["`tracing_network_bytes`, all windows:", tables.traffic_table(results)]
    return parts + [
        f"Threads of the SDK at {max(results)} requests/s, percent of a CPU:",
        tables.own_threads_table(results),
        "`TracingDetect` says:", tables.detection_table(detected)]


def measure(services, arguments):
    """{language: {load: results}}, and the tables."""
    results_of, parts = {}, []
    for service in services:
        results, detected = measure_service(service, arguments)
        results_of[service.title] = results
        parts += describe_service(service, results, detected, arguments)
    threads = burners.measure(arguments.window, arguments.truth_only)
    return results_of, "\n\n".join([
        about(results_of, arguments),
        "### In short", "Tracing takes, traced − off, percent of one core:",
        tables.summary_table(results_of),
        "µs of CPU for each 1,000 bytes that the traced copy exports:",
        tables.kilobyte_table(results_of), *parts,
        "### Threads that use known shares of a CPU", tables.burners_table(threads)])


def parse_arguments():
    parser = argparse.ArgumentParser()
    parser.add_argument("--page", type=pathlib.Path,
                        help="the page to write the tables into")
    parser.add_argument("--readme", type=pathlib.Path,
                        help="the page to write the sentences into")
    parser.add_argument("--language", default=",".join(SERVICES),
                        help="languages, such as go,java")
    parser.add_argument("--truth-only", action="store_true",
                        help="none of the options that measure overhead")
    parser.add_argument("--rates", type=lambda text: [
        int(rate) for rate in text.split(",")], default=[20, 100, 300],
        help="requests a second and copy, such as 20,100,300")
    parser.add_argument("--repetitions", type=int, default=3)
    parser.add_argument("--warm", type=int, default=15,
                        help="seconds before the first window")
    parser.add_argument("--window", type=int, default=20,
                        help=f"seconds, a multiple of {COMPARE_WINDOW}")
    parser.add_argument("--quick", action="store_true",
                        help="one short window, which shows that it works")
    parser.add_argument("--null-test", action="store_true",
                        help="two untraced copies under Compared, and nothing else")
    arguments = parser.parse_args()
    if arguments.window % COMPARE_WINDOW:
        parser.error(f"--window is no multiple of {COMPARE_WINDOW}")
    if arguments.quick:
        arguments.rates, arguments.repetitions = [100], 1
        arguments.warm, arguments.window = COMPARE_WINDOW, COMPARE_WINDOW
    return arguments


def main():
    arguments = parse_arguments()
    chosen = [SERVICES[name] for name in arguments.language.split(",")]
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))
    if arguments.null_test:
        for service in chosen:
            print(null_test.describe(service, null_test.measure(
                service, arguments.warm)), flush=True)
        return
    results_of, text = measure(chosen, arguments)
    print(text)
    if arguments.page:
        report.write_tables(arguments.page, text)
    if arguments.readme and not arguments.truth_only and readme.RATE in arguments.rates:
        report.write_tables(arguments.readme, readme.sentences(results_of), "measured")


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        sys.exit("measure: interrupted")
    except Failure as failure:
        sys.exit(f"measure: {failure}")
