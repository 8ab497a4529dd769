"""The tables of a measurement, in Markdown. `results` is {load: [result of a window]}."""

import statistics

from lab.truth.copies import Failure
from lab.truth.services import COPIES

MIB = 1 << 20
# The unit and the digits of each resource.
RESOURCES = {"cpu": (1, 2), "memory": (MIB, 1)}


def spread(values, digits):
    """Their mean and standard deviation."""
    values = list(values)
    if not values:
        return "none"
    text = f"{statistics.fmean(values):,.{digits}f}"
    if len(values) > 1:
        text += f" ± {statistics.stdev(values):,.{digits}f}"
    return text


def row(cells):
    return f"| {' | '.join(str(cell) for cell in cells)} |"


def table(columns, rows, left=1):
    """The first columns are left-aligned, the others are numbers."""
    return "\n".join([row(columns), row(["---"] * left + ["---:"] * (len(columns) - left)),
                      *map(row, rows)])


def differences(runs, resource, one, *others):
    """Of a copy to the mean of others."""
    return [run["truth"][resource][one]
            - statistics.fmean(run["truth"][resource][other] for other in others)
            for run in runs]


def compared(runs, resource, name, truth):
    """What Compared reports, its error, and how often it has a value."""
    scale, digits = RESOURCES[resource]
    parts = [run["reported"][name][resource] for run in runs]
    said = [value / scale for values in parts for value in values if value is not None]
    text = spread(said, digits)
    errors = [(statistics.fmean(values) - difference) / scale
              for values, difference in zip(parts, truth) if None not in values]
    if errors:
        text += f" ({spread(errors, digits)})"
    return f"{text}; {len(said)} of {sum(map(len, parts))}"


def resource_row(rate, runs, resource, truth_only):
    scale, digits = RESOURCES[resource]

    def copy(name):
        return spread((run["truth"][resource][name] / scale for run in runs), digits)

    def difference(*names):
        return spread((value / scale for value in
                       differences(runs, resource, *names)), digits)

    def said(name):
        return spread((run["reported"][name][resource] / scale for run in runs
                       if name in run["reported"]), digits)

    cells = [rate, copy("traced"), copy("off"), copy("none"),
             f"**{difference('traced', 'off')}**", difference("traced", "none"),
             difference("control", "off"), said("estimate")]
    if truth_only:
        return cells
    cells += [compared(runs, resource, "compared",
                       differences(runs, resource, "traced", "off", "control")),
              compared(runs, resource, "compared-control",
                       differences(runs, resource, "control", "off"))]
    return cells + ([said("threads")] if resource == "cpu" else [])


def resource_table(results, resource, truth_only):
    columns = ["requests/s", "traced", "off", "none", "**traced − off**",
               "traced − none", "noise: control − off", "estimate"]
    if not truth_only:
        columns += ["Compared (error); values", "control: Compared (error); values"]
        columns += ["Threads"] if resource == "cpu" else []
    return table(columns, [resource_row(rate, runs, resource, truth_only)
                           for rate, runs in results.items()], left=0)


def per_request(run, name):
    """Bytes or exports of one request of the traced copy."""
    return run["exported"][name] / run["exported"]["requests"]


def request_table(results):
    rows = []
    for rate, runs in results.items():
        rows.append(
            [rate, *(spread((run["truth"]["us_per_request"][name] for run in runs), 0)
                     for name in COPIES)] +
            [spread((per_request(run, name) for run in runs), digits)
             for name, digits in (("received", 0), ("sent", 2), ("exports", 4))])
    return table(["requests/s", *COPIES, "bytes exported", "answered", "exports"],
                 rows, left=0)


def traffic_table(results):
    rows = []
    for rate, runs in results.items():
        cells = [rate]
        for name in ("sent", "received"):
            counted, said = (sum(run["traffic"][key] for run in runs)
                             for key in (f"truth_{name}", name))
            if counted == 0:
                raise Failure(f"the sink has no bytes {name} to compare with")
            cells += [f"{counted:,}", f"{said:,.0f}",
                      f"{said - counted:+,.0f} "
                      f"({(said / counted - 1) * 100:+.3f} %)"]
        rows.append(cells)
    return table(["requests/s", "sent: sink", "reported", "error", "received: sink",
                  "reported", "error"], rows, left=0)


def own_threads_table(results):
    """Threads that the traced copy has and the one without an SDK has not, at the
    highest load."""
    runs = results[max(results)]

    def shares(copy, name):
        return [run["truth"]["threads"][copy].get(name, 0) for run in runs]

    names = {name for run in runs for name in run["truth"]["threads"]["traced"]}
    names -= {name for run in runs for name in run["truth"]["threads"]["none"]}
    names = sorted(name for name in names
                   if statistics.fmean(shares("traced", name)) >= 0.005)
    if not names:
        return "No thread of the SDK has a name of its own."
    return table(["thread", "traced", "off"],
                 [[f"`{name}`", spread(shares("traced", name), 2),
                   spread(shares("off", name), 2)] for name in names])


def detection_table(detected):
    return table(["process", "answer", "evidence"],
                 [[name, answer, evidence] for name, (answer, evidence)
                  in detected.items()], left=3)


def burners_table(rows):
    return table(["threads", "truth, %", "reported, %", "error"],
                 [[what, f"{share:.2f}", f"{said:.2f}", f"{said - share:+.2f}"]
                  for what, share, said in rows])


def us_per_kilobyte(runs, other):
    """µs of CPU for each exported 1,000 bytes: tracing is the difference to another
    copy."""
    return [difference / per_request(run, "received") * 1000
            for run, difference in zip(
                runs, differences(runs, "us_per_request", "traced", other))]


def all_rates(results_of):
    return sorted({rate for results in results_of.values() for rate in results})


def summary_table(results_of):
    """What tracing takes in each language: `results_of` is {language: results}."""
    rates = all_rates(results_of)
    return table(
        ["language", *(f"{rate} requests/s" for rate in rates)],
        [[title, *(spread(differences(results.get(rate, []), "cpu", "traced", "off"), 2)
                   for rate in rates)] for title, results in results_of.items()])


def verdict(costs):
    """How far the costs of several loads lie apart, and whether a factor of two holds."""
    if len(costs) < 2 or min(costs) <= 0:
        return "–", "unknown" if len(costs) < 2 else "no"
    ratio = max(costs) / min(costs)
    return f"{ratio:.2f}", "yes" if ratio <= 2 else "no"


def kilobyte_table(results_of):
    rates = all_rates(results_of)
    rows = []
    for title, results in results_of.items():
        for other in ("off", "none"):
            costs = {rate: us_per_kilobyte(runs, other)
                     for rate, runs in results.items()}
            rows.append([title, f"traced − {other}",
                         *(spread(costs.get(rate, []), 0) for rate in rates),
                         *verdict([statistics.fmean(values)
                                   for values in costs.values()])])
    return table(["language", "tracing is", *(f"{rate} requests/s" for rate in rates),
                  "largest ÷ smallest",
                  "holds within a factor of two across the loads"], rows, left=2)
