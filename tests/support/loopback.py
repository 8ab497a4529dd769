"""Ports of 127.0.0.1, and a peer to exchange bytes with."""

import socket
import threading


def free_port(kind=socket.SOCK_STREAM):
    """A port that was free a moment ago; another program may take it."""
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class HalfEcho(threading.Thread):
    """A TCP server that sends back half as many bytes as it receives, and counts
    what it receives. It ends with the test."""

    def __init__(self, test):
        super().__init__(daemon=True)
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        self.received = 0
        self.start()
        test.addCleanup(self.listener.close)

    def run(self):
        while True:
            try:
                peer, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(peer,),
                             daemon=True).start()

    def serve(self, peer):
        received = sent = 0
        with peer:
            while data := peer.recv(1 << 16):
                received += len(data)
                self.received += len(data)
                peer.sendall(bytes(received // 2 - sent))
                sent = received // 2
