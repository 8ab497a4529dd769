"""procfs mounted with hidepid=2, which shows users only the processes that have
their user and group: proc(5)."""


from tests.support import needs, testcase, waiting


@needs.namespaces
class HidepidTest(testcase.TestCase):

    def setUp(self):
        super().setUp()
        # Over /proc for the daemon alone: its namespace is made from this.
        self.hide = ["unshare", "--mount", "sh", "-ec",
                     'mount -t proc -o hidepid=2 proc /proc; exec "$@"', "sh"]

    def start_collectd(self, **options):
        (self.directory / "root.pid").write_text(str(self.of_root.pid))
        return self.collectd(f"""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval 0.2
              <Process "marked">
                CommandLine "{self.directory}/mark"
                PerProcess true
              </Process>
              <Process "init">
                PIDFile "{self.directory}/init.pid"
              </Process>
              <Process "of-root">
                PIDFile "{self.directory}/root.pid"
              </Process>
              <Process "self">
                Self true
              </Process>
            </Plugin>""", **options).start()

    def start_actors(self):
        self.of_root = self.actor(self.directory / "mark")
        self.of_nobody = self.actor(self.directory / "mark", user="nobody",
                                    group="nogroup")
        (self.directory / "init.pid").write_text("1")

    def test_own_processes_and_no_others(self):
        self.start_actors()
        collectd = self.start_collectd(user="nobody", wrapper=self.hide)
        waiting.wait_for(
            lambda: set(collectd.singles().get("marked", {}))
            == {self.of_nobody.pid}, "its own process", collectd.log)
        later = self.actor(self.directory / "mark", user="nobody",
                           group="nogroup")
        self.actor(self.directory / "mark")
        waiting.wait_for(
            lambda: set(collectd.singles()["marked"])
            == {self.of_nobody.pid, later.pid}, "a second", collectd.log)
        collectd.wait_for_passes()
        self.assertEqual(set(collectd.singles()["marked"]),
                         {self.of_nobody.pid, later.pid})
        self.assertEqual(set(collectd.counts()), {"self"})
        self.assertEqual(collectd.lines("error"), [])
        collectd.stop()

    def test_is_said_once(self):
        self.start_actors()
        collectd = self.start_collectd(user="nobody", wrapper=self.hide)
        collectd.wait_for_passes()
        [warning] = collectd.lines("warning")
        self.assertIn("hidepid", warning)
        collectd.stop()

    def test_root_sees_everything(self):
        self.start_actors()
        collectd = self.start_collectd(wrapper=self.hide)
        waiting.wait_for(
            lambda: set(collectd.singles().get("marked", {}))
            == {self.of_nobody.pid, self.of_root.pid}, "both", collectd.log)
        collectd.wait_for_counts(**{"init": 1, "of-root": 1})
        self.assertEqual(collectd.lines("warning"), [])
        collectd.stop()

    def test_nothing_is_said_where_nothing_is_hidden(self):
        self.start_actors()
        collectd = self.start_collectd(user="nobody")
        collectd.wait_for_counts(**{"init": 1, "of-root": 1})
        self.assertEqual(
            [line for line in collectd.lines("warning") if "hidepid" in line],
            [])
        collectd.stop()


if __name__ == "__main__":
    testcase.run_tests("--mount")
