"""Names of files that are made of other names: ids of galaxies, outputs of a network.

An id may be any text: hundreds of letters, slashes, control characters. The name of its file holds safe characters
only, has bounded length, and belongs to that id alone. Where the id is plain, it is in the name as it is.
"""

from __future__ import annotations

import hashlib
import re
import unicodedata

_MOST_BYTES = 80  # of a part: three of them, a temporary ending and an extension are to fit into 255 bytes
_PLAIN = re.compile(r"[\w+][\w.+-]*")  # a name that begins with a minus sign would be an option to most programs
_MARK = "~"  # never in a plain name


def file_stem(*parts: str) -> str:
    """A name without extension, from names such as a galaxy's id, a method and an output.

    Different names have different file names, but for an accidental agreement of 40 bits.

    Examples
    --------
    >>> file_stem("NGC 4526", "occlusion", "disk")
    'NGC_4526~297667f9c5_occlusion_disk'
    >>> file_stem("NGC4526", "occlusion", "disk")
    'NGC4526_occlusion_disk'
    """
    return "_".join(map(_safe_part, parts))


def mark_row(stem: str, row: int) -> str:
    """The name for one of several galaxies that share an id, by its row in the dataset."""
    return f"{stem}{_MARK}{row}"


def _safe_part(name: str) -> str:
    composed = unicodedata.normalize("NFC", name)
    if not name or (composed == name and _PLAIN.fullmatch(name) and len(name.encode()) <= _MOST_BYTES):
        return name
    fingerprint = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=5).hexdigest()
    safe = re.sub(r"[^\w.+-]", "_", composed).lstrip(".-")
    room = _MOST_BYTES - len(_MARK) - len(fingerprint)
    short = safe.encode("utf-8", "ignore")[:room].decode("utf-8", "ignore")
    return f"{short}{_MARK}{fingerprint}"
