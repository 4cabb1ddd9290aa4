"""Outlook messages of our own making: properties in a compound file ([MS-CFB], [MS-OXMSG])."""

import struct
from collections.abc import Mapping

SECTOR, MINI = 512, 64
END, FREE, FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
UNICODE, BINARY = 0x001F, 0x0102


def outlook_message(texts: Mapping[int, str], binaries: Mapping[int, bytes] = {}) -> bytes:
    """A `.msg` with these properties by their ids, and no recipients or attachments."""
    streams = {f"__substg1.0_{key:04X}001F": text.encode("utf-16-le") for key, text in texts.items()}
    streams |= {f"__substg1.0_{key:04X}0102": content for key, content in binaries.items()}
    kinds = [(key, UNICODE, 2 * len(text) + 2) for key, text in texts.items()]
    kinds += [(key, BINARY, len(content)) for key, content in binaries.items()]
    rows = b"".join(struct.pack("<HHIII", kind, key, 6, size, 0) for key, kind, size in kinds)
    streams["__properties_version1.0"] = bytes(32) + rows
    return compound_file(streams)


def compound_file(streams: Mapping[str, bytes]) -> bytes:
    """Streams under one root, all of them in the mini stream or none smaller than its bound there."""
    mini, mini_fat, entries = b"", [], []
    for name, content in sorted(streams.items(), key=lambda item: (len(item[0]), item[0].upper())):
        first = len(mini) // MINI if content else END
        count = -(-len(content) // MINI)
        mini_fat += [first + at + 1 for at in range(count - 1)] + ([END] if count else [])
        mini += content.ljust(count * MINI, b"\0")
        entries.append((name, first, len(content)))
    assert all(size < 4096 for _, _, size in entries)
    directory = _directory(entries, len(mini))
    table = struct.pack(f"<{len(mini_fat)}I", *mini_fat)
    parts = [_padded(directory, b"\0"), _padded(table, b"\xff"), _padded(mini, b"\0")]
    sectors = [len(part) // SECTOR for part in parts]
    starts = [sum(sectors[:at]) + 1 for at in range(3)]  # sector 0 holds the allocation table
    fat = [FAT]
    for start, count in zip(starts, sectors, strict=True):
        fat += [start + at + 1 for at in range(count - 1)] + ([END] if count else [])
    assert len(fat) <= SECTOR // 4
    fat += [FREE] * (SECTOR // 4 - len(fat))
    directory = directory.replace(struct.pack("<I", 0xABCDABCD), struct.pack("<I", starts[2] if mini else END))
    parts[0] = _padded(directory, b"\0")
    head = struct.pack("<8s16sHHHHH6x", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", b"", 62, 3, 0xFFFE, 9, 6)
    head += struct.pack("<IIIIIIIIII", 0, 1, starts[0], 0, 4096, starts[1], sectors[1], END, 0, 0)
    return head.ljust(SECTOR, b"\xff") + struct.pack(f"<{SECTOR // 4}I", *fat) + b"".join(parts)


def _directory(entries: list[tuple[str, int, int]], mini_bytes: int) -> bytes:
    """The root and its streams; as a tree of siblings to the right, in their order."""
    rows = [_entry("Root Entry", 5, FREE, 1 if entries else FREE, 0xABCDABCD, mini_bytes)]
    for at, (name, first, size) in enumerate(entries, 1):
        rows.append(_entry(name, 2, at + 1 if at < len(entries) else FREE, FREE, first, size))
    return b"".join(rows)


def _entry(name: str, kind: int, right: int, child: int, first: int, size: int) -> bytes:
    text = name.encode("utf-16-le") + b"\0\0"
    return struct.pack("<64sHBBIII16sIQQIQ", text, len(text), kind, 1, FREE, right, child, b"", 0, 0, 0, first, size)


def _padded(content: bytes, filler: bytes) -> bytes:
    return content + filler * (-len(content) % SECTOR)
