"""Compares the option table of the module, as resource-attribution-check prints it,
with the pages, the manual, the drop-in and the Ansible role."""

import json
import re
import unittest

from tests.support import project, testcase

MANUAL = "docs/collectd-resource_attribution.pod"
DROP_IN = "collectd.conf.d/resource_attribution.conf"
ROLE = "deploy/ansible/roles/resource_attribution"


def read(path):
    return (project.SOURCE_DIR / path).read_text()


def tables(text):
    """The tables of a page in Markdown, each a list of rows of cells."""
    for table in re.findall(r"(?:^\|.*\|\n)+", text, re.MULTILINE):
        yield [[cell.strip() for cell in re.split(r"(?<!\\)\|", line)[1:-1]]
               for line in table.splitlines()]


def plain(pod):
    """A paragraph of POD without its formatting codes."""
    pod = pod.replace("E<lt>", "<").replace("E<gt>", ">")
    return re.sub(r"\b[BCFIL]<((?:[^<>]|<[^<>]*>)*)>", r"\1", pod)


def items(pod):
    """The `=item`s of a section by the option that each names: heading and text."""
    found = {}
    for item in re.split(r"^=item ", pod, flags=re.MULTILINE)[1:]:
        heading, _, text = item.partition("\n")
        text = re.split(r"^=(?:head|back|over)", text, flags=re.MULTILINE)[0]
        name = re.match(r"(?:C<E<lt>>)?B<(\w+)>", heading)
        if name:
            found[name[1]] = plain(heading) + "\n" + plain(text)
    return found


class OptionsTest(testcase.TestCase):

    def setUp(self):
        super().setUp()
        result = self.run_check("--options=json")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        self.options = {one["name"]: one for one in json.loads(result.stdout)}

    def names(self, is_chosen):
        return {name for name, one in self.options.items() if is_chosen(one)}

    def of_the_plugin(self):
        return self.names(lambda one: "Plugin" in one["in"])

    def of_both(self):
        return self.names(lambda one: {"Plugin", "Process"} <= {*one["in"]})

    def selectors(self):
        return self.names(lambda one: "Untraced" in one["in"]
                          and one["default"] is None)

    def of_a_block(self):
        """The options that only a block has, without its selectors."""
        return self.names(lambda one: "Process" in one["in"]) - (
            self.of_both() | self.selectors())

    def in_the_file(self, name):
        """The default as it stands in a configuration."""
        default = self.options[name]["default"]
        if isinstance(default, str) and self.options[name]["kind"] in (
                "choice", "path"):
            return f'"{default}"'
        if isinstance(default, bool):
            return str(default).lower()
        return "" if default is None else str(default)

    def words(self, name):
        words = self.options[name].get("words", {})
        return {f'"{word}"' for where in words.values() for word in where}

    def assert_range(self, name, text, place):
        """The text has the words of a choice, and the range of a number."""
        for word in self.words(name):
            self.assertIn(word, text, f"{name} in {place}")
        if self.options[name]["kind"] in ("number", "whole number"):
            # A page need not say that an interval is at most a year.
            low, high = (f"{self.options[name][end]}" for end in ("min", "max"))
            ranges = [f"{low} to {high}"] + [f"from {low}"] * (name == "Interval")
            self.assertTrue(any(one in text for one in ranges),
                            f"{name} in {place}: expected {ranges} in: {text}")

    def test_pages(self):
        documented = {"option": [], "selector": []}
        second = {"option": "default", "selector": "a process matches when"}
        for path in (project.SOURCE_DIR / "README.md",
                     *(project.SOURCE_DIR / "docs").glob("*.md")):
            for heading, _, *rows in tables(path.read_text()):
                if second.get(heading[0]) == heading[1]:
                    documented[heading[0]].append(rows)
        names = {kind: [{re.match(r"`<?(\w+)", row[0])[1]: row for row in rows}
                        for rows in found] for kind, found in documented.items()}
        self.assertEqual([{*table} for table in names["option"]],
                         [self.of_the_plugin(), self.of_a_block(),
                          self.names(lambda one: one["in"] == ["Sampling"])])
        self.assertEqual([{*table} for table in names["selector"]],
                         [self.selectors()])
        for table in names["option"]:
            for name, (_, default, text) in table.items():
                self.assertEqual(default.replace("`", ""), self.in_the_file(name),
                                 name)
                self.assert_range(name, default + text, "the pages")
        for name in self.names(lambda one: one["in"] == ["Component"]):
            self.assertIn(f"`{name} ", names["option"][1]["Component"][2])

    def test_manual(self):
        top, blocks = read(MANUAL).split("\n=head1 PROCESS BLOCKS\n")
        _, top = top.split("\n=head1 OPTIONS\n")
        blocks, selectors = blocks.split("\n=head2 Selectors\n")
        selectors = re.split(r"^=head", selectors, flags=re.MULTILINE)[0]
        inside = self.names(lambda one: one["in"] in (["Component"], ["Sampling"]))
        found = [items(text) for text in (top, blocks, selectors)]
        self.assertEqual([{*section} for section in found],
                         [self.of_the_plugin(), self.of_a_block() | inside,
                          self.selectors()])
        inherited = re.search(r"\n\n((?:B<\w+>(?:,| and)?\s)+)may be set for a block",
                              blocks)
        self.assertEqual({*re.findall(r"B<(\w+)>", inherited[1])}, self.of_both())
        for name, text in {**found[0], **found[1], **found[2]}.items():
            self.assert_range(name, text, "the manual")
            default = re.search(r"Default:\s(.*?)\.?\s*\Z", text, re.DOTALL)
            if self.in_the_file(name):
                self.assertIn(self.in_the_file(name).strip('"'), default[1], name)
            elif default:
                self.assertNotRegex(default[1], r'^(true|false|"|[\d.])', name)

    def test_drop_in(self):
        shown, comment, opened = {}, "", []
        for line in re.search(r"^#<Plugin resource_attribution>.*?^#</Plugin>",
                              read(DROP_IN), re.MULTILINE | re.DOTALL
                              )[0].splitlines():
            option = re.match(r"#\s*<?(\w+)\s+(.+?)>?$|#\s*<(\w+)>$", line)
            if re.match(r"#\s*</", line):
                opened.pop()
            elif not re.match(r"#(?:  |<)", line):
                comment = line if line == "#" else comment + line
            elif option:
                name = option[1] or option[3]
                if opened:
                    self.assertIn(name, self.options, line)
                    self.assertIn(opened[-1], self.options[name]["in"], line)
                    shown.setdefault(name, (option[2], comment))
                if re.match(r"#\s*<", line):
                    opened.append(name)
        self.assertEqual({*shown}, {*self.options})
        for name, one in self.options.items():
            value, comment = shown[name]
            # Blocks show examples, but for numbers.
            is_number = one["kind"] in ("number", "whole number")
            is_in_words = is_number and isinstance(one["default"], str)
            if (is_number or "Plugin" in one["in"]) and not (
                    is_in_words or one["default"] is None):
                self.assertEqual(value, self.in_the_file(name), name)
            for low, high in re.findall(r"\b([\d.]+) to ([\d.]+)\b", comment):
                self.assertEqual((float(low), float(high)),
                                 (one["min"], one["max"]), name)
            for word in self.words(name):
                self.assertIn(word, read(DROP_IN), name)

    def test_ansible_role(self):
        template = read(f"{ROLE}/templates/resource_attribution.conf.j2")
        numbers = re.search(r"set numbers = \[(.*?)\]", template, re.DOTALL)[1]
        self.assertEqual(re.findall(r"'(\w+)'", numbers),
                         sorted(self.names(lambda one: "min" in one)))
        for name in re.findall(r"^#\s+(?:\w+: \{)?([A-Z]\w+): ",
                               read(f"{ROLE}/defaults/main.yml"), re.MULTILINE):
            self.assertIn(name, [*self.options, "Host", "Port"])
        for example in re.findall(r"```yaml\n(.*?)```",
                                  read("docs/configuration-management.md"), re.DOTALL):
            for name in re.findall(r"^\s+([A-Z]\w+): ", example, re.MULTILINE):
                self.assertIn(name, self.options)

    def test_list_for_people_has_a_line_for_each_option(self):
        result = self.run_check("--options")
        self.assertEqual((result.returncode, result.stderr), (0, ""))
        heading, *lines = result.stdout.splitlines()
        self.assertEqual(heading.split(),
                         ["OPTION", "IN", "VALUE", "DEFAULT", "MEANING"])
        columns = [match.start() for match in re.finditer(r"\w+", heading)]
        for line, one in zip(lines, self.options.values(), strict=True):
            cells = [line[at:end].strip() for at, end in
                     zip(columns, [*columns[1:], None])]
            self.assertEqual(cells[:2], [one["name"], ", ".join(one["in"])])
            self.assertEqual(cells[3], self.in_the_file(one["name"]) or "-")
            self.assertEqual(cells[4], one["help"])

    def test_every_option_says_what_it_may_be(self):
        for name, one in self.options.items():
            with self.subTest(name):
                self.assertEqual("min" in one, one["kind"] in (
                    "number", "whole number", "ports", "two ratios"))
                self.assertEqual("words" in one, one["kind"] == "choice")
                self.assertRegex(one["help"], r"^[A-Z].*\.$")
                if "words" in one:
                    self.assertEqual([*one["words"]], one["in"])
                    for words in one["words"].values():
                        self.assertIn(one["default"], words)


if __name__ == "__main__":
    unittest.main()
