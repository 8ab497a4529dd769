"""Programs that a test starts."""

import ast
import contextlib
import os
import pathlib
import signal

ACTOR = pathlib.Path(__file__).parent / "actor.py"


def as_nobody(*capabilities):
    """The beginning of a command that runs as an unprivileged user, with only these
    capabilities."""
    has = ",".join(["-all", *(f"+{name}" for name in capabilities)])
    return ["setpriv", "--reuid", "nobody", "--regid", "nogroup",
            "--clear-groups", "--bounding-set", has, "--inh-caps", has,
            "--ambient-caps", has]


def end(process):
    """Kills a program and collects its exit status."""
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    process.wait()


def end_group(leader):
    """Kills what a program started in its session, and the program."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader.pid, signal.SIGKILL)


class Actor:
    """Controls a process that runs actor.py."""

    def __init__(self, process):
        self.process = process
        self.pid = process.pid
        self.do("None")

    def tell(self, expression):
        self.process.stdin.write(expression.encode() + b"\n")
        self.process.stdin.flush()

    def do(self, expression):
        """Returns what the expression yields in the actor."""
        self.tell(expression)
        return ast.literal_eval(self.process.stdout.readline().decode())

    def close(self):
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.stdout.close()
