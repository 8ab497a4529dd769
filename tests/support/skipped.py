"""Counts the tests that were skipped, and says why.

    skipped.py [--expected REGEX]... LOG...

LOG is a LastTest.log of ctest, in which the output of every test stands: "Skipped"
and a reason on the next line from GoogleTest, "skipped 'reason'" from unittest. With
--expected, a skip whose "name: reason" matches none of the expressions fails.
"""

import argparse
import collections
import re
import sys

NAME = re.compile(r"\d+/\d+ Test: (.+)")
UNITTEST = re.compile(r"^(?:(?P<test>\w+) \(.*)?.*\bskipped (?P<quote>['\"])"
                      r"(?P<reason>.*)(?P=quote)$")


def skips(log):
    """(name, reason) of each test that the log says was skipped."""
    name = None
    lines = iter(log)
    for line in lines:
        line = line.rstrip("\n")
        if match := NAME.fullmatch(line):
            name = match[1]
        elif line.endswith(": Skipped"):
            yield name, next(lines, "").strip() or "no reason given"
        elif match := UNITTEST.match(line):
            test = f"{name} {match['test']}" if match["test"] else name
            yield test, match["reason"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--expected", action="append")
    parser.add_argument("logs", nargs="+", metavar="LOG")
    options = parser.parse_args()
    found = []
    for path in options.logs:
        with open(path, encoding="utf-8", errors="replace") as log:
            found += skips(log)
    names = collections.defaultdict(list)
    for name, reason in found:
        names[reason].append(name)
    unexpected = [f"{name}: {reason}" for name, reason in found
                  if not any(re.search(expression, f"{name}: {reason}")
                             for expression in options.expected or [])]
    total = sum(map(len, names.values()))
    print(f"{total} tests skipped" + (":" if total else ""))
    for reason, skipped in sorted(names.items(), key=lambda item: -len(item[1])):
        shown = ", ".join(sorted(set(skipped))[:3])
        more = ", ..." if len(set(skipped)) > 3 else ""
        print(f"  {len(skipped):4}  {reason}\n        {shown}{more}")
    if options.expected is not None and unexpected:
        sys.exit("not expected here:\n  " + "\n  ".join(unexpected))


if __name__ == "__main__":
    main()
