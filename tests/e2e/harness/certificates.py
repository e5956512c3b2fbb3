"""Certificates by openssl(1): a CA, a server's and a client's, valid for two days."""
import pathlib
import subprocess


def _openssl(*args) -> None:
    done = subprocess.run(["openssl", *[str(a) for a in args]], capture_output=True, text=True)
    if done.returncode:
        raise RuntimeError(f"openssl {args[0]}: {done.stderr}")


class Certificates:
    """ca.pem; pair(name) gives (certificate, key). Servers answer to `names` and `addresses`."""

    def __init__(self, folder: pathlib.Path, common_name: str = "gleaner test CA"):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ca = self.folder / "ca.pem"
        self.ca_key = self.folder / "ca.key"
        _openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
                 "-nodes", "-days", "2", "-subj", f"/CN={common_name}",
                 "-keyout", self.ca_key, "-out", self.ca)

    def pair(self, name: str, names=("localhost",), addresses=("127.0.0.1",)) -> tuple:
        certificate = self.folder / f"{name}.pem"
        key = self.folder / f"{name}.key"
        request = self.folder / f"{name}.csr"
        extensions = self.folder / f"{name}.ext"
        alternatives = ",".join([f"DNS:{n}" for n in names] + [f"IP:{a}" for a in addresses])
        extensions.write_text(f"subjectAltName={alternatives}\n")
        _openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                 "-subj", f"/CN={name}", "-keyout", key, "-out", request)
        _openssl("x509", "-req", "-in", request, "-CA", self.ca, "-CAkey", self.ca_key,
                 "-CAcreateserial", "-days", "2", "-extfile", extensions, "-out", certificate)
        return certificate, key
