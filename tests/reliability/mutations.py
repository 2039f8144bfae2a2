"""How a whole file becomes a damaged one: in its bytes, its numbers, its header cards, its text or its packing.

A mutation takes the content and a random generator and returns other content. What is drawn depends on the generator
only, so that a damaged file can be made again from its number.
"""

from __future__ import annotations

import bz2
import gzip
import io
import json
import random
import re
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import lru_cache
from typing import Any

Mutation = Callable[[bytes, random.Random], bytes]

_INTEGERS = (0, 1, -1, 2, 127, 255, 256, 65535, 2**31 - 1, -(2**31), 2**32 - 1, 2**40, 2**63 - 1, -(2**63))
_NUMBERS = ("-1", "0", "1", "7", "999999999", "2147483648", "9" * 20, "1e999", "-1e400", "nan", "inf", "٣")
_WORDS = ("", "None", "nan", "true", "\0", "\x1b[31m", "a\nb", "é" * 90, "星系" * 60, "../../x", "[", "{", '"', "<a>")
_VALUES: tuple[Any, ...] = (
    *(None, True, False, 0, 1, -1, 2**70, 1e999, float("nan"), "", "x", "a" * 10_000, [], [1], {}, {"a": 1}, [[]]),
)
_CARD = re.compile(rb"[A-Z][A-Z0-9_-]{0,7} *= ")


def flip_bits(content: bytes, chance: random.Random) -> bytes:
    """Flip one to eight bits."""
    changed = bytearray(content)
    for _ in range(chance.randint(1, 8)):
        if changed:
            changed[chance.randrange(len(changed))] ^= 1 << chance.randrange(8)
    return bytes(changed)


def overwrite(content: bytes, chance: random.Random) -> bytes:
    """Overwrite a run of bytes."""
    start, length = _place(content, chance)
    filling = chance.choice([b"\0" * length, b"\xff" * length, chance.randbytes(length)])
    return content[:start] + filling + content[start + length :]


def truncate(content: bytes, chance: random.Random) -> bytes:
    """Cut off the end."""
    return content[: chance.randrange(len(content) + 1)]


def repeat(content: bytes, chance: random.Random) -> bytes:
    """Repeat a part of it in place."""
    start, length = _place(content, chance, 4096)
    return (
        content[: start + length] + content[start : start + length] * chance.randint(1, 5) + content[start + length :]
    )


def remove(content: bytes, chance: random.Random) -> bytes:
    """Take a part out."""
    start, length = _place(content, chance, 4096)
    return content[:start] + content[start + length :]


def splice(content: bytes, chance: random.Random) -> bytes:
    """Write one part of it over another."""
    start, length = _place(content, chance, 512)
    source = chance.randrange(len(content) + 1)
    return content[:start] + content[source : source + length] + content[start + length :]


def claim(content: bytes, chance: random.Random) -> bytes:
    """Write a small, huge or negative integer somewhere, mostly near the start where lengths are kept."""
    size = chance.choice([1, 2, 4, 8])
    reach = len(content) if chance.random() < 0.5 else min(len(content), 512)
    start = chance.randrange(max(1, reach))
    value = (chance.choice(_INTEGERS) % 2 ** (8 * size)).to_bytes(size, chance.choice(["little", "big"]))
    return content[:start] + value + content[start + size :]


def edit_number(content: bytes, chance: random.Random) -> bytes:
    """Write another number in place of one that stands as text."""
    found = [match.span() for match in re.finditer(rb"-?\d+(?:\.\d+)?", content[:200_000])]
    if not found:
        return claim(content, chance)
    start, end = chance.choice(found)
    return content[:start] + chance.choice(_NUMBERS).encode() + content[end:]


BYTES: tuple[Mutation, ...] = (flip_bits, overwrite, truncate, repeat, remove, splice, claim, edit_number)


# -- FITS --------------------------------------------------------------------------------------------------------------


def edit_card(content: bytes, chance: random.Random) -> bytes:
    """Give a header card another value, name or place, or remove it."""
    places = [at for at in range(0, len(content) - 79, 80) if _CARD.match(content, at)]
    if not places:
        return edit_number(content, chance)
    at = chance.choice(places)
    card = content[at : at + 80]
    kind = chance.randrange(6)
    if kind == 0:
        other = b"COMMENT ".ljust(80)
    elif kind == 1:
        other = chance.choice([content[place : place + 8] for place in places]) + card[8:]
    elif kind == 2:
        place = chance.choice(places)
        other = card[:10] + content[place + 10 : place + 80]
    elif kind == 3:
        other = card[:10] + f"'{chance.choice(_WORDS)}'".encode()[:70].ljust(70)
    else:
        other = card[:10] + chance.choice(_NUMBERS).rjust(20).encode()[:70].ljust(70)
    return content[:at] + other[:80] + content[at + 80 :]


FITS: tuple[Mutation, ...] = (*BYTES, edit_card, edit_card, edit_card)


# -- text --------------------------------------------------------------------------------------------------------------


def edit_text(content: bytes, chance: random.Random) -> bytes:
    """Damage a text: other encodings, odd words, lines that are gone or come twice, a cell of any length."""
    text = content.decode("utf-8", "replace")
    lines = text.split("\n")
    at = chance.randrange(len(lines))
    words = list(re.finditer(r"[\w.+-]+", text))
    kind = chance.randrange(9)
    if kind == 0:
        del lines[at]
    elif kind == 1:
        lines.insert(at, lines[chance.randrange(len(lines))])
    elif kind == 2:
        lines[at] = lines[at][: chance.randrange(len(lines[at]) + 1)]
    elif kind == 3:
        return text.encode(chance.choice(["utf-16", "utf-32", "latin-1"]), "replace")
    elif kind == 4:
        return b"\xef\xbb\xbf" + content
    elif kind == 5:
        lines[at] += chance.choice([",", ";", "\t", '"', "'", "\r", "\0", "x" * 10_000])
    elif words:
        word = chance.choice(words)
        return (text[: word.start()] + chance.choice(_WORDS) + text[word.end() :]).encode("utf-8", "replace")
    return "\n".join(lines).encode("utf-8", "replace")


TEXT: tuple[Mutation, ...] = (*BYTES, edit_text, edit_text, edit_text, edit_text)


def edit_json(content: bytes, chance: random.Random) -> bytes:
    """Remove, rename or replace something in a JSON text by a value of another type, or nest it deeply."""
    try:
        values = json.loads(content)
    except ValueError:
        return edit_text(content, chance)
    return json.dumps(_edit_value(values, chance)).encode()


def edit_json_line(content: bytes, chance: random.Random) -> bytes:
    """The same in one line of many."""
    lines = content.split(b"\n")
    at = chance.randrange(len(lines))
    lines[at] = edit_json(lines[at], chance)
    return b"\n".join(lines)


def nest(content: bytes, chance: random.Random) -> bytes:
    """Put brackets of any depth into a text in place of a value."""
    found = list(re.finditer(rb"[\d.]+|\"[^\"]*\"", content))
    start, end = chance.choice(found).span() if found else (0, 0)
    depth = chance.choice([50, 1_000, 100_000])
    return content[:start] + b"[" * depth + b"]" * depth + content[end:]


def edit_toml(content: bytes, chance: random.Random) -> bytes:
    """Give a name of a TOML text a value of another type, another name, or a table's."""
    lines = content.decode("utf-8", "replace").split("\n")
    named = [at for at, line in enumerate(lines) if "=" in line and not line.startswith("#")]
    if not named:
        return edit_text(content, chance)
    at = chance.choice(named)
    name, _, value = lines[at].partition("=")
    odd = ("", "''", "[]", "{}", "inf", "nan", "-1", "1e400", "true", "[1, 'a']", "{a = 1}", "1979-05-27", "9" * 30)
    lines[at] = chance.choice(
        [f"{name}= {chance.choice(odd)}", f"un{name.strip()} ={value}", f"[{name.strip()}]", f"{name}.a.b ={value}"]
    )
    return "\n".join(lines).encode("utf-8", "replace")


JSON: tuple[Mutation, ...] = (*TEXT, nest, *[edit_json] * 6)
JSON_LINES: tuple[Mutation, ...] = (*TEXT, nest, *[edit_json_line] * 6)
TOML: tuple[Mutation, ...] = (*TEXT, nest, *[edit_toml] * 6)


def _edit_value(value: Any, chance: random.Random) -> Any:
    """Walk down to a random place and change what is there."""
    if isinstance(value, dict) and value:
        key = chance.choice(sorted(value))
        kind = chance.randrange(8)
        if kind == 0:
            return {name: each for name, each in value.items() if name != key}
        if kind == 1:
            return {(f"un{name}" if name == key else name): each for name, each in value.items()}
        return {**value, key: _edit_value(value[key], chance)}
    if isinstance(value, list) and value and chance.random() < 0.7:
        at = chance.randrange(len(value))
        return [*value[:at], *([_edit_value(value[at], chance)] if chance.random() < 0.8 else []), *value[at + 1 :]]
    return chance.choice(_VALUES)


# -- packed files ------------------------------------------------------------------------------------------------------


def inside_gzip(*mutations: Mutation) -> Mutation:
    """The same mutations inside a gzip file that is whole itself."""
    return lambda content, chance: gzip.compress(chance.choice(mutations)(gzip.decompress(content), chance), 1)


def inside_bzip2(*mutations: Mutation) -> Mutation:
    """The same inside a bzip2 file."""
    return lambda content, chance: bz2.compress(chance.choice(mutations)(bz2.decompress(content), chance), 1)


def inside_zip(*mutations: Mutation) -> Mutation:
    """The same in one member of a ZIP archive whose checksums are right; or a member is gone, or has another name."""

    def mutate(content: bytes, chance: random.Random) -> bytes:
        with zipfile.ZipFile(io.BytesIO(content)) as archive:
            members = [[name, archive.read(name)] for name in archive.namelist()]
        at, kind = chance.randrange(len(members)), chance.randrange(10)
        if kind == 0:
            del members[at]
        elif kind == 1:
            members[at][0] = chance.choice(["x.npy", "../up.npy", "images.npy", "images", "a/b.npy", "é.npy"])
        else:
            members[at][1] = chance.choice(mutations)(members[at][1], chance)
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as archive:
            for name, member in members:
                archive.writestr(name, member)
        return made.getvalue()

    return mutate


def inflate_gzip(content: bytes, chance: random.Random) -> bytes:
    """Append up to two gigabytes of zeros, packed into kilobytes."""
    return content + _zeros(gzip.compress) * chance.choice([8, 128])


def inflate_bzip2(content: bytes, chance: random.Random) -> bytes:
    """The same with bzip2."""
    return content + _zeros(bz2.compress) * chance.choice([8, 128])


@lru_cache
def _zeros(compress: Callable[[bytes], bytes]) -> bytes:
    return compress(bytes(2**24))


def edit_png(content: bytes, chance: random.Random) -> bytes:
    """Change a chunk of a PNG picture, with the right checksum."""
    chunks, at = [], 8
    while at + 12 <= len(content):
        length = struct.unpack(">I", content[at : at + 4])[0]
        chunks.append([content[at + 4 : at + 8], content[at + 8 : at + 8 + length]])
        at += 12 + length
    if not chunks:
        return claim(content, chance)
    place = chance.choice([0, chance.randrange(len(chunks))])
    chunks[place][1] = chance.choice([claim, flip_bits, truncate])(chunks[place][1], chance)
    made = content[:8]
    for name, body in chunks:
        made += struct.pack(">I", len(body)) + name + body + struct.pack(">I", zlib.crc32(name + body))
    return made


def edit_safetensors(content: bytes, chance: random.Random) -> bytes:
    """Change the header of a safetensors file, whose length is then right; or the description inside it."""
    length = struct.unpack("<Q", content[:8])[0]
    header = json.loads(content[8 : 8 + length])
    about = header.get("__metadata__", {})
    if about and chance.random() < 0.7:
        name = chance.choice(sorted(about))
        about[name] = edit_json(about[name].encode(), chance).decode("utf-8", "replace")
        changed = json.dumps(header).encode()
    else:
        changed = json.dumps(_edit_value(header, chance)).encode()
    return struct.pack("<Q", len(changed)) + changed + content[8 + length :]


SAFETENSORS: tuple[Mutation, ...] = (*BYTES, *[edit_safetensors] * 10)


def _place(content: bytes, chance: random.Random, most: int = 64) -> tuple[int, int]:
    return chance.randrange(len(content) + 1), chance.randint(1, most)
