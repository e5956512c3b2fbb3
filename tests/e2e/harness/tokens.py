"""Scripted servers of tokens and credentials, and an independent look at signatures."""
import base64
import dataclasses
import hashlib
import hmac
import json
import pathlib
import subprocess
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


@dataclasses.dataclass
class Asked:
    method: str
    path: str  # without the query
    query: dict
    headers: dict  # names in lower case
    body: str

    @property
    def form(self) -> dict:
        return {k: v[0] for k, v in urllib.parse.parse_qs(self.body).items()}


class _CloudHandler(Handler):
    def answer(self):
        owner = self.server.owner
        parts = urllib.parse.urlsplit(self.path)
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0)).decode()
        asked = Asked(self.command, parts.path,
                      {k: v[0] for k, v in urllib.parse.parse_qs(parts.query).items()},
                      {k.lower(): v for k, v in self.headers.items()}, body)
        with owner.mutex:
            owner.asked.append(asked)
            status, answer = owner.trouble or owner.script(asked)
        data = (answer if isinstance(answer, str) else json.dumps(answer)).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/xml" if data.startswith(b"<")
                         else "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_POST = do_PUT = answer


class Cloud(Server):
    """What a cloud's services answer: script(asked) → (status, text or JSON); trouble, when it is
    set, is the answer to all. What was asked is kept."""

    def __init__(self, script):
        self.mutex = threading.Lock()
        self.asked = []
        self.script = script
        self.trouble = None
        super().__init__(_CloudHandler)
        self.url = f"http://{self.address}"

    def seen(self) -> list:
        with self.mutex:
            return list(self.asked)


def sigv4(asked, region: str, service: str, secret: str, body: bytes = None) -> str:
    """The signature as AWS's description of Signature Version 4 has it; path without a query."""
    headers = asked.headers
    names = headers["authorization"].split("SignedHeaders=")[1].split(",")[0]
    date = headers["x-amz-date"]
    scope = f"{date[:8]}/{region}/{service}/aws4_request"
    digest = headers["x-amz-content-sha256"]
    if body is not None:
        assert digest == hashlib.sha256(body).hexdigest()
    canonical = "\n".join(
        ["POST", asked.path, "", *(f"{name}:{headers[name]}" for name in names.split(";")), "",
         names, digest])
    text = "\n".join(["AWS4-HMAC-SHA256", date, scope,
                      hashlib.sha256(canonical.encode()).hexdigest()])
    key = b"AWS4" + secret.encode()
    for part in (*scope.split("/"), text):
        key = hmac.new(key, part.encode(), hashlib.sha256).digest()
    return key.hex()


class RsaKey:
    """A key of openssl's, which also looks at what was signed with it."""

    def __init__(self, folder: pathlib.Path, name: str = "key"):
        self.folder = folder
        self.path = folder / f"{name}.pem"
        self.public = folder / f"{name}.pub"
        self.openssl("genpkey", "-algorithm", "RSA", "-pkeyopt", "rsa_keygen_bits:2048", "-out",
                     self.path)
        self.openssl("pkey", "-in", self.path, "-pubout", "-out", self.public)

    @staticmethod
    def openssl(*arguments) -> bool:
        return subprocess.run(["openssl", *map(str, arguments)], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL, check=False).returncode == 0

    def claims(self, token: str, digest: str = "sha256") -> tuple:
        """(header, claims) of a token that this key has signed; None for another."""
        head, claims, signature = token.split(".")
        (self.folder / "signed").write_text(f"{head}.{claims}")
        (self.folder / "signature").write_bytes(self.decode(signature))
        if not self.openssl("dgst", f"-{digest}", "-verify", self.public, "-signature",
                            self.folder / "signature", self.folder / "signed"):
            return None
        return json.loads(self.decode(head)), json.loads(self.decode(claims))

    @staticmethod
    def decode(text: str) -> bytes:
        return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
