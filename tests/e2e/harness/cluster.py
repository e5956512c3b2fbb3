"""A service account's folder where in-cluster clients look for it: a mount namespace of their own
shows it there. And kubeconfig files."""
import json
import os
import pathlib
import subprocess

# The namespace's /run is its own; the link shows the test's folder, which changes as kubelet's do.
SCRIPT = """set -e
mount -t tmpfs tmpfs /run
mkdir -p /run/secrets/kubernetes.io
ln -s "$FOLDER" /run/secrets/kubernetes.io/serviceaccount
exec "$@"
"""
UNSHARE = ["unshare", "--mount"] if os.getuid() == 0 else ["unshare", "--mount", "--map-root-user"]


def possible() -> bool:
    """Whether mounts of one's own are allowed here, and /var/run is /run."""
    done = subprocess.run([*UNSHARE, "mount", "-t", "tmpfs", "tmpfs", "/run"], capture_output=True)
    return done.returncode == 0 and os.path.realpath("/var/run") == "/run"


class ServiceAccount:
    """What kubelet projects: files are links through ..data, a link that is swapped as a whole."""

    def __init__(self, folder: pathlib.Path, **files: str):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.round = 0
        self.files = {}
        self.write(**files)

    def write(self, **files: str) -> None:
        """Names have _ for the dot: ca_crt."""
        self.files.update({k.replace("_", "."): v for k, v in files.items()})
        self.round += 1
        data = self.folder / f"..{self.round}"
        data.mkdir()
        for name, text in self.files.items():
            (data / name).write_text(text)
            if not (self.folder / name).is_symlink():
                (self.folder / name).symlink_to(f"..data/{name}")
        fresh = self.folder / "..data_tmp"
        fresh.symlink_to(data.name)
        fresh.rename(self.folder / "..data")

    def wrap(self, process, server) -> None:
        """The process, not started yet, will find itself in the server's cluster."""
        process.argv = [*UNSHARE, "sh", "-c", SCRIPT, "in-cluster", *process.argv]
        process.env = {**(process.env or os.environ), "FOLDER": str(self.folder),
                       "KUBERNETES_SERVICE_HOST": "127.0.0.1",
                       "KUBERNETES_SERVICE_PORT": str(server.port)}


def kubeconfig(path: pathlib.Path, cluster: dict, user: dict) -> str:
    """Written with contexts of other clusters around it."""
    other = {"cluster": {"server": "https://127.0.0.1:1"}, "name": "other"}
    path.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": "here", "preferences": {},
        "contexts": [{"name": "elsewhere", "context": {"cluster": "other", "user": "nobody"}},
                     {"name": "here", "context": {"cluster": "this", "user": "me",
                                                  "namespace": "not-a-filter"}}],
        "clusters": [other, {"name": "this", "cluster": cluster}],
        "users": [{"name": "nobody", "user": {"token": "wrong"}}, {"name": "me", "user": user}],
    }))
    return str(path)
