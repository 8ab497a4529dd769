"""Every selector against real services from Debian's packages."""

import os
import pwd
import unittest

from tests.support import proc, services, testcase, waiting


class SelectorsTest(testcase.TestCase):

    def start_nginx(self):
        """A master with two workers; returns the PIDs."""
        master = services.start_nginx(self, 2)
        workers = services.workers(master, 2)
        waiting.wait_for((self.directory / "nginx.pid").exists, "nginx.pid")
        return [master.pid, *workers]

    def start_redis(self):
        redis = self.run_program(
            "/usr/bin/redis-server", "--port", "0", "--save", "",
            "--dir", self.directory, "--pidfile", self.directory / "redis.pid",
            "--unixsocket", self.directory / "redis.sock")
        waiting.wait_for((self.directory / "redis.sock").exists, "redis")
        waiting.wait_for((self.directory / "redis.pid").exists, "redis")
        return redis.pid

    def test_a_block_per_selector(self):
        nginx = self.start_nginx()
        redis = self.start_redis()
        user = pwd.getpwuid(os.geteuid()).pw_name
        config = f"""
            LoadPlugin resource_attribution
            <Plugin resource_attribution>
              Interval 0.5
              <Process "self">
                Self true
              </Process>
              <Process "nginx-master">
                PIDFile "{self.directory}/nginx.pid"
              </Process>
              <Process "redis-pidfile">
                PIDFile "{self.directory}/redis.pid"
              </Process>
              <Process "redis-name">
                Name "redis-server"
                CommandLine "{self.directory}/redis.sock"
              </Process>
              <Process "redis-executable">
                Executable "{os.readlink(f'/proc/{redis}/exe')}"
                PIDFile "{self.directory}/redis.pid"
              </Process>
              <Process "redis-user">
                User "{user}"
                PIDFile "{self.directory}/redis.pid"
              </Process>
              <Process "redis-uid">
                User {os.geteuid()}
                PIDFile "{self.directory}/redis.pid"
              </Process>
              <Process "redis-other-user">
                User 4242
                PIDFile "{self.directory}/redis.pid"
              </Process>
            </Plugin>
            # Titles that the service rewrote itself; one service, whatever else
            # runs on this machine.
            <Plugin resource_attribution>
              ProcessMatch "nginx-title" "^nginx: master process /usr/sbin/nginx -c {self.directory}/nginx.conf"
              Process "nginx"
              <Process "nginx-workers">
                Name "nginx"
                CommandLine "^nginx: worker process"
              </Process>
            </Plugin>"""
        collectd = self.collectd(config).start()
        values = collectd.wait_for_values(
            "self", "nginx-master", "redis-pidfile", "redis-name",
            "redis-executable", "redis-user", "redis-uid", "nginx-title",
            "nginx", "nginx-workers")
        self.assertNotIn("redis-other-user", values)

        def memory(block):
            return values[block]["process_memory_bytes"]

        def processes(block):
            return values[block]["tracing_cpu_overhead_percent"] / 0.5

        rss = proc.status_kb(redis, "VmRSS") * 1024
        for block in ("redis-pidfile", "redis-name", "redis-executable",
                      "redis-user", "redis-uid"):
            self.assertEqual(processes(block), 1)
            self.assertAlmostEqual(memory(block), rss, delta=1 << 20)
        self.assertEqual(processes("self"), 1)
        self.assertEqual(memory("nginx-master"), memory("nginx-title"))
        # Other nginx processes may run on this machine, in parallel tests too.
        self.assertGreaterEqual(processes("nginx"), 3)
        self.assertGreaterEqual(processes("nginx-workers"), 2)
        self.assertGreaterEqual(
            memory("nginx"),
            sum(proc.status_kb(pid, "VmRSS") for pid in nginx) * 1024
            - (1 << 20))
        self.assertEqual(collectd.lines("error"), [])
        self.assertEqual(collectd.lines("warning"), [])
        collectd.stop()


if __name__ == "__main__":
    unittest.main()
