"""What the daemon does where the kernel tells it no process events."""


class WithoutEvents:
    """The tests, for each namespace without process events."""

    def test_scans_and_says_why(self):
        collectd = self.start_collectd(
            '<Process "later">', f'CommandLine "{self.directory}/mark"',
            "</Process>")
        self.actor(self.directory / "mark")
        collectd.wait_for_counts(later=1)
        [started] = [line for line in collectd.lines("info")
                     if "started" in line]
        self.assertRegex(started, r"discovery by scanning /proc \(process "
                                  r"events: .+\)$")
        self.assert_quiet_end(collectd)

    def test_does_not_start_where_events_are_demanded(self):
        collectd = self.collectd("""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Discovery "Events"
              Process "sleep"
            </Plugin>""")
        self.assertNotEqual(collectd.check(), 0)
        [error] = collectd.lines("error")
        self.assertRegex(error, r'^not started: option Discovery "Events": '
                                r"process events: .+; expected ")
