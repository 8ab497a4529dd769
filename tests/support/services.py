"""Real services that tests watch. Each ends with the test, in whose directory it has
its files."""

import glob
import os
import shutil
import signal
import subprocess

from tests.support import proc, waiting


def workers(process, count):
    """The PIDs of the children, once there are at least so many."""
    def started():
        pids = proc.children(process.pid)
        return sorted(pids) if len(pids) >= count else None
    return waiting.wait_for(started, f"children of {process.args}")


def start_nginx(test, processes, program="/usr/sbin/nginx", server=None):
    """The master, with so many worker processes to come. `server` is what its block of
    this name says; without it, nginx listens on a socket in the directory."""
    directory = test.directory
    server = server or f"listen unix:{directory}/nginx.sock;"
    # As root the workers would become another user, without a way in here.
    user = "user root;" if os.geteuid() == 0 else ""
    config = directory / "nginx.conf"
    config.write_text(f"""
        daemon off;
        {user}
        worker_processes {processes};
        pid {directory}/nginx.pid;
        error_log {directory}/nginx.log;
        events {{ }}
        http {{
          access_log off;
          client_body_temp_path {directory}/body;
          proxy_temp_path {directory}/proxy;
          fastcgi_temp_path {directory}/fastcgi;
          uwsgi_temp_path {directory}/uwsgi;
          scgi_temp_path {directory}/scgi;
          server {{ {server} }}
        }}""")
    return test.run_group(program, "-c", config, "-p", directory)


def start_gunicorn(test, *arguments, **env):
    """The master, with two workers to come, and a socket "gunicorn.sock"."""
    directory = test.directory
    (directory / "app.py").write_text(
        "def application(environment, start_response):\n"
        "    start_response('204 No Content', [])\n"
        "    return []\n")
    return test.run_group(
        "/usr/bin/gunicorn", "--workers=2", "--worker-tmp-dir", directory,
        "--bind", f"unix:{directory}/gunicorn.sock", *arguments,
        "app:application", cwd=directory, env={**os.environ, **env})


class Postgresql:
    """A server on a socket in its own directory, which has the user "test"."""

    def __init__(self, test, **settings):
        binaries = sorted(glob.glob("/usr/lib/postgresql/*/bin"))[-1]
        self.home = test.directory / "postgresql"
        self.home.mkdir()
        # How programs run that belong to it.
        self.options = {"env": {"PATH": os.environ["PATH"], "LC_ALL": "C"},
                        "cwd": self.home}
        if os.geteuid() == 0:  # The server refuses to run as root.
            shutil.chown(self.home, "postgres", "postgres")
            self.options.update(user="postgres", group="postgres",
                                extra_groups=[])
        subprocess.run([f"{binaries}/initdb", "--no-sync", "--auth=trust",
                        "--username=test", self.home / "data"], check=True,
                       stdout=subprocess.DEVNULL, **self.options)
        settings = {
            "listen_addresses": "", "unix_socket_directories": self.home,
            "fsync": "off", "shared_buffers": "1MB",
            "dynamic_shared_memory_type": "mmap", **settings}
        self.process = test.run_program(
            f"{binaries}/postgres", "-D", self.home / "data",
            *(f"--{name}={value}" for name, value in settings.items()),
            **self.options)
        test.addCleanup(self._stop)
        waiting.wait_for((self.home / ".s.PGSQL.5432").exists, "PostgreSQL")

    def _stop(self):
        # On this signal it gives back its shared memory; killed, it could not.
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGQUIT)
            self.process.wait(waiting.PATIENCE)
