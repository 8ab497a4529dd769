"""Runs every example of a configuration in the README, the pages, the manual and the
drop-in in a real collectd, beside the program that it names."""

import contextlib
import glob
import importlib.util
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import sys
import textwrap
import unittest
import zipfile

from tests.support import cgroups, project, services, testcase, waiting

MANUAL = "docs/collectd-resource_attribution.pod"
UNIQUE = f"ra{os.getpid()}"
CONFIGURES = re.compile(r"^\s*(LoadPlugin|<Plugin|<Process|Process(Match)?\s)",
                        re.MULTILINE)
BLOCK = re.compile(
    r'^\s*<Process\s+"(?P<block>[^"]+)">\n(?P<options>.*?)^\s*</Process>'
    r'|^\s*(?P<short>Process|ProcessMatch)\s+"(?P<line>[^"]+)"',
    re.MULTILINE | re.DOTALL)
# Threads of these names, as a service in Java that is traced has them.
ORDERS = """
class Orders {
  public static void main(String[] names) throws Exception {
    for (String name : names) {
      Thread thread = new Thread(() -> {
        try { Thread.sleep(1000000); } catch (InterruptedException end) { }
      }, name);
      thread.setDaemon(true);
      thread.start();
    }
    System.in.read();
  }
}
"""


def indented(path):
    """The examples of a page in Markdown or POD: its indented paragraphs. What
    is in another language stands between fences."""
    text = re.sub(r"^```.*?^```$", "", (project.SOURCE_DIR / path).read_text(),
                  flags=re.MULTILINE | re.DOTALL)
    examples, example = [], []
    for line in text.splitlines() + ["end"]:
        if line[:1].isspace() or (example and not line):
            example.append(line)
        elif example:
            examples.append(textwrap.dedent("\n".join(example)))
            example = []
    return [text for text in examples if CONFIGURES.search(text)]


def drop_in(path):
    """The drop-in with every option in force. In comments for people a "#" is
    followed by one blank."""
    text = (project.SOURCE_DIR / path).read_text()
    return [re.sub(r"^#(?=  |<|LoadPlugin)", "", text, flags=re.MULTILINE)]


def blocks(example):
    """The name of each block of an example, its first selector, and the value of
    that selector."""
    for match in BLOCK.finditer(example):
        if match["short"]:
            yield match["line"], match["short"], match["line"]
        else:
            yield match["block"], *re.search(
                r"^\s*(Self|PIDFile|Name|Executable|CommandLine|User|Cgroup"
                r'|SystemdUnit)\s+"?(.*?)"?$', match["options"],
                re.MULTILINE).groups()


class ExamplesTest(testcase.TestCase):

    # The program for each block: the names of the series that it becomes, and
    # the PIDs of each. None of them is run twice in a test.
    PROGRAMS = {
        ("checkout", "PIDFile"): lambda test, _: test.checkout(),
        ("checkout", "SystemdUnit"): lambda test, _: test.in_cgroups(
            "checkout", "checkout@1.service", "checkout@canary.service"),
        ("payment", "SystemdUnit"): lambda test, _: test.in_cgroups(
            "payment", "payment@1.service", "payment@canary.service"),
        ("${unit}", "SystemdUnit"): lambda test, _: test.in_cgroups(
            f"{UNIQUE}-any.service", "any.service"),
        ("web", "Cgroup"): lambda test, _: test.in_cgroups("web", "web-1", "web-2"),
        ("api", "SystemdUnit"): lambda test, _: test.in_cgroups(
            "api", "api.service"),
        ("orders", "CommandLine"): lambda test, _: {"orders": test.orders()},
        ("java-${jar}", "CommandLine"): lambda test, _: {
            "java-orders": test.orders()},
        ("search", "Name"): lambda test, _: {"search": test.orders()},
        ("nginx", "Process"): lambda test, _: {"nginx": test.nginx()},
        ("proxy", "Executable"): lambda test, _: {"proxy": test.nginx()},
        ("pg", "ProcessMatch"): lambda test, _: {"pg": test.postgresql()},
        ("postgres", "ProcessMatch"): lambda test, _: {
            "postgres": test.postgresql()},
        ("redis-server", "Process"): lambda test, _: {
            "redis-server": [test.run_program(
                "/usr/bin/redis-server", "--port", "0", "--save", "",
                "--dir", test.directory, "--unixsocket",
                test.directory / "redis.sock").pid]},
        ("gunicorn", "Name"): lambda test, _: {"gunicorn": test.gunicorn()},
        # Not among Debian's packages: programs of these names stand in.
        ("otelcol", "Name"): lambda test, name: {
            "otelcol": [test.stand_in(name)]},
        ("batch", "Executable"): lambda test, _: {"batch": [test.stand_in("batch")]},
        ("orders-control", "CommandLine"): lambda test, _: {
            "orders-control": test.two_in_node()},
        # The daemon, whose PID is not known yet.
        ("agent", "Self"): lambda test, _: {"agent": []},
        ("collectd", "Self"): lambda test, _: {"collectd": []},
    }

    def setUp(self):
        super().setUp()
        self.directory = self.directory.resolve()
        self.running = {}
        self.without_cgroups = ""

    def once(self, name, start):
        if name not in self.running:
            self.running[name] = start()
        return self.running[name]

    def stand_in(self, name):
        program = self.directory / name
        if not program.exists():
            shutil.copy("/bin/sleep", program)
        return self.run_program(program, "1000").pid

    def checkout(self):
        pid = self.stand_in("checkout")
        (self.directory / "checkout.pid").write_text(f"{pid}\n")
        return {"checkout": [pid]}

    def nginx(self):
        def start():
            nginx = services.start_nginx(self, 2)
            return [nginx.pid, *services.workers(nginx, 2)]
        return self.once("nginx", start)

    def postgresql(self):
        """Those of its processes that say "postgres:"."""
        return self.once("postgresql", lambda: services.workers(
            services.Postgresql(self).process, 4))

    def orders(self):
        def start():
            (self.directory / "Orders.java").write_text(ORDERS)
            subprocess.run(
                ["/usr/bin/java", "-m", "jdk.compiler/com.sun.tools.javac.Main",
                 "-d", self.directory, self.directory / "Orders.java"],
                check=True)
            jar = self.directory / "orders.jar"
            with zipfile.ZipFile(jar, "w") as archive:
                archive.writestr("META-INF/MANIFEST.MF", "Main-Class: Orders\n")
                archive.write(self.directory / "Orders.class", "Orders.class")
            java = self.run_program(
                "/usr/bin/java", "-jar", jar, "retr-1",
                "BatchSpanProcessor_WorkerThread-1", stdin=subprocess.PIPE)
            self.addCleanup(java.stdin.close)
            tasks = f"/proc/{java.pid}/task/*/comm"
            waiting.wait_for(
                lambda: any(pathlib.Path(comm).read_text() == "BatchSpanProces\n"
                            for comm in glob.glob(tasks)), "a JVM")
            return [java.pid]
        return self.once("orders", start)

    def gunicorn(self, **env):
        gunicorn = services.start_gunicorn(self, **env)
        return [gunicorn.pid, *services.workers(gunicorn, 2)]

    def two_in_node(self):
        """Two programs with the same command line; a PID file names the second."""
        pids = []
        for _ in range(2):
            node = self.run_program("/usr/bin/node", "-", "orders",
                                    stdin=subprocess.PIPE)
            self.addCleanup(node.stdin.close)
            pids.append(node.pid)
        (self.directory / "orders-2.pid").write_text(f"{pids[1]}\n")
        return pids

    def in_cgroups(self, series, *names):
        """A program in each of these cgroups of system.slice, whose names get the
        prefix of the test."""
        pids = []
        for name in names:
            pid = self.run_program("sleep", "1000").pid
            try:
                self.move(pid, f"{UNIQUE}-{name}")
            except OSError as error:
                self.without_cgroups = f"cgroups cannot be made here: {error}"
                return {}
            pids.append(pid)
        return {series: pids}

    def move(self, pid, name):
        root = cgroups.of_services()
        if root is None:
            raise FileNotFoundError("no hierarchy is mounted")
        for cgroup in (root / "system.slice", root / "system.slice" / name):
            with contextlib.suppress(FileExistsError):
                cgroup.mkdir()
                self.addCleanup(self.remove, cgroup)
        (root / "system.slice" / name / "cgroup.procs").write_text(str(pid))

    def remove(self, cgroup):
        with contextlib.suppress(OSError):  # Another test has a cgroup there.
            cgroups.remove(cgroup)

    def adapted(self, example):
        """The example with paths, units and users of this test, as a whole
        configuration."""
        user = pwd.getpwuid(os.geteuid()).pw_name
        for pattern, text in (
                (r"/run/(?=checkout|orders-2)", f"{self.directory}/"),
                (r"/var/lib/collectd/sampling(?=/strategies)", str(self.directory)),
                (r"/usr/local/bin/(?=batch)", f"{self.directory}/"),
                (r'(?<=SystemdUnit) +"(?=\w)', f' "{UNIQUE}-'),
                (r"(?<=system.slice/)(?=web)", f"{UNIQUE}-"),
                (r'(?<=User) +"orders"', f' "{user}"'),
                (r"9103", "@PORT@")):
            example = re.sub(pattern, text, example)
        if "<Plugin" not in example:
            example = f"<Plugin resource_attribution>\n{example}\n</Plugin>"
        return "\n".join([
            "LoadPlugin resource_attribution", example,
            "<Plugin resource_attribution>", "Interval 0.5",
            '<Process "the-last-one">', "Self true", "</Process>", "</Plugin>",
            ""])

    def found(self, config):
        """{series: PIDs} of the check's table, and what it complained of."""
        path = self.directory / "example.conf"
        path.write_text(config)
        result = self.run_check(path)
        self.assertEqual(result.returncode, 0, result.stderr)
        series = {}
        for name, lines in re.findall(
                r"^(\S+) +\d+ .*\n((?:  .*\n)*)", result.stdout, re.MULTILINE):
            pids = re.findall(r"^  (\d+) ", lines, re.MULTILINE)
            series.setdefault(name, set()).update(map(int, pids))
        return series, result.stderr

    def try_example(self, example, programs):
        expected = {}
        for name, selector, value in blocks(example):
            if (name, selector) not in programs:
                self.fail(f"no program is known for {name} by {selector}")
            started = programs[name, selector](self, value)
            for series, pids in started.items():
                expected.setdefault(series, []).extend(pids)
        config = self.adapted(example)
        found, complaints = self.found(config.replace("@PORT@", "0"))
        for series, pids in expected.items():
            self.assertLessEqual(set(pids), found.get(series, set()), series)
        self.assert_no_complaint(complaints.splitlines())

        collectd = self.collectd(
            config, writer="write_prometheus" not in config).start()
        def complete():
            have = {}
            for series, _, name, _, _ in collectd.all_samples():
                have.setdefault(series, set()).add(name)
            return all({"process_memory_bytes", "process_cpu_percent"}
                       <= have.get(series, set()) for series in expected) and have
        have = waiting.wait_for(complete, f"values of {set(expected)}",
                                collectd.log)
        self.assertEqual("<Component" in example, any(
            "process_component_cpu_percent" in names for names in have.values()))
        self.assert_no_complaint(collectd.lines("error")
                                 + collectd.lines("warning"))
        collectd.stop()

    # The executables of some processes of the machine may be refused.
    def assert_no_complaint(self, lines):
        self.assertEqual([line for line in lines if "/proc/PID/exe" not in line],
                         [])

    def try_examples(self, examples, count):
        self.assertEqual(len(examples), count)
        for number, example in enumerate(examples, 1):
            with self.subTest(example=number):
                self.try_example(example, self.PROGRAMS)
        if self.without_cgroups:
            self.skipTest(f"all but a part was tried: {self.without_cgroups}")

    def test_readme(self):
        self.try_examples(indented("README.md"), 2)

    def test_configuration(self):
        self.try_examples(indented("docs/configuration.md"), 2)

    def test_measuring(self):
        self.try_examples(indented("docs/measuring.md"), 2)

    def test_prometheus(self):
        self.try_examples(indented("docs/prometheus.md"), 2)

    def test_sampling(self):
        self.try_examples(indented("docs/sampling.md"), 1)

    def test_every_page_with_an_example_is_tried(self):
        pages = [path.relative_to(project.SOURCE_DIR) for path in (
            *project.SOURCE_DIR.glob("*.md"),
            *(project.SOURCE_DIR / "docs").rglob("*.md"))]
        self.assertEqual(
            {str(page) for page in pages if indented(page)},
            {"README.md", "docs/configuration.md", "docs/measuring.md",
             "docs/prometheus.md", "docs/sampling.md"})

    def test_manual(self):
        self.try_examples(indented(MANUAL), 6)

    def try_gunicorn(self, name, path):
        """The manual's example with this command name of the master."""
        [example] = [text for text in indented(MANUAL) if "gunicorn" in text]
        def start(test, _):
            pids = test.gunicorn(PYTHONPATH=os.pathsep.join(path))
            comm = pathlib.Path(f"/proc/{pids[0]}/comm")
            waiting.wait_for(lambda: comm.read_text() == f"{name}\n", name)
            return {"gunicorn": pids}
        self.try_example(example, {
            **self.PROGRAMS, ("gunicorn", "Name"): start})

    @unittest.skipUnless(importlib.util.find_spec("setproctitle"),
                         "python3-setproctitle is not installed")
    def test_gunicorn_with_a_title(self):
        self.try_gunicorn("gunicorn: maste", sys.path)

    def test_gunicorn_without_a_title(self):
        (self.directory / "setproctitle.py").write_text("raise ImportError\n")
        self.try_gunicorn("gunicorn", [str(self.directory)])

    def test_drop_in(self):
        self.try_examples(
            drop_in("collectd.conf.d/resource_attribution.conf"), 1)


if __name__ == "__main__":
    testcase.run_tests("--mount")
