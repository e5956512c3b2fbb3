"""Where things are: the source tree, the build under test, the peers that peers.sh unpacked."""
import glob
import os
import pathlib
import subprocess

SOURCE = pathlib.Path(os.environ.get("GLEANER_SOURCE", pathlib.Path(__file__).parents[3])).resolve()
BUILD = pathlib.Path(os.environ.get("GLEANER_BUILD", SOURCE / "build" / "dev")).resolve()
GLEANER = pathlib.Path(os.environ.get("GLEANER", BUILD / "gleaner")).resolve()
PEERS = pathlib.Path(os.environ.get("GLEANER_PEERS", SOURCE / "build" / "peers")).resolve()
DATA = SOURCE / "tests" / "data"


def fetch_peers() -> None:
    """Once per machine; prints nothing when everything is there."""
    subprocess.run([SOURCE / "scripts" / "peers.sh", PEERS], check=True)


def peer(name: str) -> str:
    for folder in ("usr/bin", "usr/sbin"):
        path = PEERS / folder / name
        if path.exists():
            return str(path)
    raise FileNotFoundError(f"{name} is not in {PEERS}: run scripts/peers.sh")


def peer_environment() -> dict:
    """The environment for peers: libraries that the system lacks were unpacked beside them."""
    folders = glob.glob(f"{PEERS}/usr/lib/*-linux-*") + glob.glob(f"{PEERS}/lib/*-linux-*")
    environment = dict(os.environ)
    environment["LD_LIBRARY_PATH"] = ":".join(folders)
    return environment
