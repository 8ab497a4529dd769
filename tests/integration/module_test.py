"""The built module: what it exports, and what it needs from which library."""

import re
import subprocess
import unittest

from tests.support import daemon, project, testcase


def symbols(path, *options):
    lines = subprocess.run(["nm", "-D", *options, str(path)], check=True,
                           capture_output=True, text=True).stdout.splitlines()
    return {line.split()[-1].split("@")[0]: line.split()[-2] for line in lines}


class ModuleTest(testcase.TestCase):

    def test_exports_module_register_and_nothing_else(self):
        self.assertEqual(symbols(project.MODULE, "--defined-only"),
                         {"module_register": "T"})

    def test_needs_only_the_daemon_and_linked_libraries(self):
        provided = set(symbols(daemon.COLLECTD, "--defined-only"))
        ldd = subprocess.run(["ldd", str(project.MODULE)], check=True,
                             capture_output=True, text=True).stdout
        self.assertNotIn("not found", ldd)
        # Clang's sanitizers leave their functions to the program.
        runtime = filter(None, project.SANITIZER_RUNTIME.split(":"))
        for library in [*re.findall(r"(/\S+) \(0x", ldd), *runtime]:
            provided |= set(symbols(library, "--defined-only"))
        needed = {name for name, kind
                  in symbols(project.MODULE, "--undefined-only").items()
                  if kind != "w"}
        self.assertIn("plugin_dispatch_values", needed)
        self.assertEqual(needed - provided, set())

    def test_is_hardened(self):
        dynamic, headers = (
            subprocess.run(["readelf", "--wide", option, str(project.MODULE)],
                           check=True, capture_output=True, text=True).stdout
            for option in ("--dynamic", "--program-headers"))
        self.assertRegex(dynamic, r"\(FLAGS_1\) +Flags: .*\bNOW\b")
        self.assertNotIn("TEXTREL", dynamic)
        self.assertIn("GNU_RELRO", headers)
        [stack] = re.findall(r"GNU_STACK.* ([RWE]+) +0x", headers)
        self.assertEqual(stack, "RW")
        needed = symbols(project.MODULE, "--undefined-only")
        self.assertIn("__stack_chk_fail", needed)
        # The other builds are not optimized.
        if project.BUILD_DIR.name == "release":
            self.assertTrue([name for name in needed if name.endswith("_chk")])


if __name__ == "__main__":
    unittest.main()
