"""A server that speaks raw bytes: what no HTTP server would send."""
import socket
import struct
import threading


class Wire:
    """One connection after the other is given to `talk` in a thread of its own."""

    def __init__(self, connection: socket.socket, stopping: threading.Event):
        self.connection = connection
        self.stopping = stopping

    def request(self) -> bytes:
        """The head of one request; empty at the end of the connection."""
        head = b""
        while b"\r\n\r\n" not in head:
            more = self.connection.recv(65536)
            if not more:
                return b""
            head += more
        return head

    def send(self, data: bytes) -> None:
        self.connection.sendall(data)

    def flood(self, data: bytes, most: int = 64 << 20) -> None:
        """Sends data again and again, some megabytes a second, until the other side has had enough;
        holds the connection when it never has."""
        data = data * max(1, 65536 // len(data))
        for _ in range(most // len(data)):
            self.send(data)
            if self.stopping.wait(0.005):
                return
        self.hold()

    def drip(self, data: bytes, pause: float = 0.1) -> None:
        """Byte by byte."""
        for i in range(len(data)):
            self.send(data[i:i + 1])
            if self.stopping.wait(pause):
                return

    def hold(self) -> None:
        """Says nothing more and does not hang up."""
        self.stopping.wait(600)

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()


class WireServer:
    def __init__(self, talk):
        """talk: a function of a Wire; its connection is closed when it returns."""
        self.talk = talk
        self.stopping = threading.Event()
        self.connections = 0
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.url = f"http://{self.address}/api/v1/receive"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self) -> None:
        while not self.stopping.is_set():
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            connection.settimeout(60)
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection: socket.socket) -> None:
        try:
            self.talk(Wire(connection, self.stopping))
        except OSError:
            pass  # the agent hung up, which is what most of these want
        finally:
            connection.close()

    def stop(self) -> None:
        self.stopping.set()
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
