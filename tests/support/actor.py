"""A process that does what it is told. Each line of its input is an expression of
Python; the process answers with a line that holds the value. It ends with its
input."""

import ctypes
import mmap
import os
import signal
import socket
import sys
import threading
import time

PR_SET_PDEATHSIG = 1
PR_SET_NAME = 15
libc = ctypes.CDLL(None, use_errno=True)
memory = []
pieces = []  # of 1 MiB
connections = []


def rename(name):
    """Changes the command name; the kernel keeps 15 bytes."""
    libc.prctl(PR_SET_NAME, ctypes.c_char_p(name), 0, 0, 0)


def retitle(title):
    """Overwrites the command line, as some services do to show what they are doing.
    The length stays."""
    fields = open("/proc/self/stat").read().rsplit(")", 1)[1].split()
    start, end = map(int, fields[45:47])  # arg_start and arg_end of proc(5)
    ctypes.memmove(start, title.ljust(end - start, b"\0"), end - start)


def rename_thread(name):
    """Starts a thread of this name, which stays."""
    done = threading.Event()
    def stay():
        rename(name)
        done.set()
        threading.Event().wait()
    threading.Thread(target=stay, daemon=True).start()
    done.wait()


def fork(count=1, mebibytes=0):
    """Forks children, which take memory and sleep until this process ends. Returns
    their PIDs."""
    pids = []
    for _ in range(count):
        is_ready, ready = os.pipe()
        pid = os.fork()
        if pid == 0:
            libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
            allocate(mebibytes)
            os.write(ready, b"x")
            while True:
                signal.pause()
        os.read(is_ready, 1)
        os.close(is_ready)
        os.close(ready)
        pids.append(pid)
    return pids


def spawn(count, *command):
    """Starts a small program several times. It ends with this process at the latest."""
    command = ["setpriv", "--pdeathsig", "KILL", *command]
    for _ in range(count):
        os.posix_spawnp("setpriv", command, os.environ)


def end(pid):
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)


def allocate(mebibytes):
    """Takes memory and touches it."""
    memory.append(bytearray(b"x") * (mebibytes << 20))


def hold(mebibytes):
    """Takes memory, or gives some back, until it is so much, and never passes that."""
    while len(pieces) < mebibytes:
        pieces.append(mmap.mmap(-1, 1 << 20))
        pieces[-1].write(b"x" * (1 << 20))
    while len(pieces) > mebibytes:
        pieces.pop().close()


def burn():
    """Uses a whole CPU from now on."""
    def loop():
        while True:
            pass
    threading.Thread(target=loop, daemon=True).start()


def use_cpu(seconds):
    end = time.process_time() + seconds
    while time.process_time() < end:
        pass


def end_main_thread():
    """Ends the thread that reads the input. The other threads go on."""
    number = {"x86_64": 60, "aarch64": 93}.get(os.uname().machine, 1)
    libc.syscall(ctypes.c_long(number), 0)  # exit(2)


def connect(port):
    """Opens a TCP connection that stays."""
    connections.append(socket.create_connection(("127.0.0.1", port)))


def send(sent, received):
    """Sends so many bytes over the last connection, and waits until it has received
    so many."""
    connections[-1].sendall(bytes(sent))
    while received > 0:
        received -= len(connections[-1].recv(received))


def export(port, count, sent, received, pause):
    """Sends so many times, each time over a connection of its own."""
    for _ in range(count):
        connect(port)
        send(sent, received)
        connections.pop().close()
        time.sleep(pause)


for line in sys.stdin:
    print(repr(eval(line)), flush=True)
