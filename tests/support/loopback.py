"""Ports of 127.0.0.1, and servers that a test runs there."""

import http.server
import socket
import threading


def free_port(kind=socket.SOCK_STREAM):
    """A port that was free a moment ago; another program may take it."""
    with socket.socket(type=kind) as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class HttpServer(http.server.ThreadingHTTPServer):
    """Serves HTTP at a free port until the test ends."""

    daemon_threads = True

    def __init__(self, test, handler):
        super().__init__(("127.0.0.1", 0), handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()
        test.addCleanup(self.server_close)
        test.addCleanup(self.shutdown)


class HttpHandler(http.server.BaseHTTPRequestHandler):
    """Answers requests, and logs none of them."""

    def body(self):
        return self.rfile.read(int(self.headers["Content-Length"]))

    def log_message(self, *_):
        pass


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
        # Closing alone does not wake a thread that waits in accept.
        test.addCleanup(self.listener.shutdown, socket.SHUT_RDWR)

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
