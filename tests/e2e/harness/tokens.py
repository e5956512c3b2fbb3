"""Scripted servers of tokens and credentials."""
import json
import threading
import urllib.parse

from .exporter import Handler, Server


class _TokenHandler(Handler):
    def do_POST(self):
        owner = self.server.owner
        form = urllib.parse.parse_qs(self.rfile.read(int(self.headers["Content-Length"])).decode())
        with owner.mutex:
            owner.asked.append((self.headers.get("Authorization"), form))
            status, answer = owner.answer(len(owner.asked))
        body = json.dumps(answer).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


class Tokens(Server):
    """A server of OAuth 2.0 tokens: token-1, token-2, …"""

    def __init__(self, lasts: int = 3600):
        self.mutex = threading.Lock()
        self.asked = []
        self.down = False
        self.lasts = lasts
        super().__init__(_TokenHandler)
        self.url = f"http://{self.address}/token"

    def answer(self, n: int):
        if self.down:
            return 503, {"error": "temporarily_unavailable"}
        return 200, {"access_token": f"token-{n}", "token_type": "bearer",
                     "expires_in": self.lasts}
