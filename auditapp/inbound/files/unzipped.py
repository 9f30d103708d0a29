"""gzip: files, told by their first bytes since a name may be anything, and bodies of requests."""

import gzip
import io
import zlib
from typing import BinaryIO, cast

from auditapp.inbound.files.json_stream import FileError

MAGIC = b"\x1f\x8b"


class GzipError(ValueError):
    """A body is no gzip, or not whole; the message says which."""


class TooLarge(GzipError):
    """A body grows past its limit."""


def decoded(body: bytes, encoding: str, limit: int) -> bytes:
    """Undo what a header ``Content-Encoding`` says.

    :raise GzipError: if that is another encoding than gzip, or as :func:`inflated`.
    """
    name = encoding.strip().lower()
    if name in {"", "identity"}:
        return body
    if name not in {"gzip", "x-gzip"}:
        raise GzipError(f"the Content-Encoding {name[:40]} is not undone; send gzip, or none")
    return inflated(body, limit)


def inflated(body: bytes, limit: int) -> bytes:
    """Decompress a body.

    :param limit: bytes; one more is enough to know, so a bomb never grows further.
    :raise GzipError: if it is no gzip, is cut off or goes on behind its end.
    :raise TooLarge: if it holds more.
    """
    inflate = zlib.decompressobj(zlib.MAX_WBITS | 16)
    try:
        plain = inflate.decompress(body, limit + 1)
    except zlib.error as error:
        raise GzipError(f"the body is no gzip: {error}") from None
    if len(plain) > limit:
        raise TooLarge(f"the gzip holds more than {limit // 1024**2} MiB")
    if not inflate.eof or inflate.unused_data:
        raise GzipError("the gzip is cut off, or goes on behind its end")
    return plain


def unzipped(file: BinaryIO) -> BinaryIO:
    """Return a file from its beginning, decompressed where it is gzip.

    :param file: seekable.
    """
    file.seek(0)
    magic = file.read(len(MAGIC))
    file.seek(0)
    return cast(BinaryIO, io.BufferedReader(_Gzip(file))) if magic == MAGIC else file


class _Gzip(io.RawIOBase):
    """gzip whose faults are faults of the file."""

    def __init__(self, file: BinaryIO) -> None:
        self._gzip = gzip.GzipFile(fileobj=file)

    def readable(self) -> bool:
        """Tell that it can be read."""
        return True

    def seekable(self) -> bool:
        """Tell that it can be read again from its beginning."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """Go to a place, which means reading up to there."""
        return self._gzip.seek(offset, whence)

    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        """Read on.

        :raise FileError: if the gzip is broken or cut off.
        """
        try:
            data = self._gzip.read(len(buffer))
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise FileError(f"is broken gzip, or cut off: {error}") from None
        buffer[: len(data)] = data
        return len(data)
