"""What made a model, as fingerprints: the code, the shipped priors and the libraries. Knows no data and no options."""

import hashlib
from functools import cache
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("gnn", "graph")  # everything between the lake and a score
LIBRARIES = ("numpy", "scipy", "torch", "torch-geometric")  # whose versions may change the last digits
SOURCE = (".py", ".json", ".npz")  # code, and the priors beside it


@cache
def code_fingerprint() -> str:
    """SHA-256 over the names and bytes of the code and of the shipped priors; the same tree gives the same."""
    root, digest = Path(__file__).parents[1], hashlib.sha256()
    files = (path for package in PACKAGES for path in (root / package).rglob("*") if path.suffix in SOURCE)
    for path in sorted(files, key=lambda path: path.relative_to(root).as_posix()):
        content = path.read_bytes()
        digest.update(f"{path.relative_to(root).as_posix()} {len(content)}\n".encode() + content)
    return digest.hexdigest()


@cache
def libraries() -> dict[str, str]:
    """Versions of the libraries that a model's numbers come from."""
    return {name: version(name) for name in LIBRARIES}
