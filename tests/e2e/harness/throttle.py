"""A TCP proxy that is as slow as it is told, or away."""
import selectors
import socket
import struct
import threading
import time


class ThrottleProxy:
    """Forwards to `upstream`. bits_per_second bounds what all connections send towards upstream
    (None: no bound). away(): connections are reset and new ones refused; back(): again there."""

    def __init__(self, upstream: tuple, bits_per_second: int = None):
        self.upstream = upstream
        self.bits_per_second = bits_per_second
        self.forwarded = 0
        self.mutex = threading.Lock()
        self.spent_until = 0.0
        self.pairs = set()
        self.listener = None
        self.port = 0
        self.back()
        self.address = f"127.0.0.1:{self.port}"

    def back(self) -> None:
        listener = socket.socket()
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # A small window, so that the sender feels the link at once and not megabytes later.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8192)
        listener.bind(("127.0.0.1", self.port))
        listener.listen(64)
        self.port = listener.getsockname()[1]
        self.listener = listener
        threading.Thread(target=self._accept, args=(listener,), daemon=True).start()

    def away(self) -> None:
        listener, self.listener = self.listener, None
        if listener is not None:
            # shutdown first: close alone does not wake the thread in accept.
            listener.shutdown(socket.SHUT_RDWR)
            listener.close()
        with self.mutex:
            pairs, self.pairs = self.pairs, set()
        for pair in pairs:
            for s in pair:
                try:
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                s.close()

    stop = away

    def _accept(self, listener: socket.socket) -> None:
        while True:
            try:
                client, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self.upstream, timeout=10)
        except OSError:
            client.close()
            return
        server.settimeout(None)
        pair = (client, server)
        with self.mutex:
            self.pairs.add(pair)
        try:
            self._pump(client, server)
        except (OSError, ValueError):
            pass
        with self.mutex:
            self.pairs.discard(pair)
        client.close()
        server.close()

    def _pump(self, client: socket.socket, server: socket.socket) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(client, selectors.EVENT_READ, server)
            selector.register(server, selectors.EVENT_READ, client)
            while True:
                for key, _ in selector.select():
                    data = key.fileobj.recv(1024 if key.fileobj is client else 65536)
                    if not data:
                        return
                    if key.fileobj is client:
                        self._pay(len(data))
                    key.data.sendall(data)

    def _pay(self, n: int) -> None:
        """Waits until the link has room for n more bytes."""
        with self.mutex:
            self.forwarded += n
            if not self.bits_per_second:
                return
            now = time.monotonic()
            self.spent_until = max(self.spent_until, now) + n * 8 / self.bits_per_second
            wait = self.spent_until - now
        if wait > 0:
            time.sleep(wait)
