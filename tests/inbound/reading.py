"""What a reader yields, for tests that expect no fault, or one."""

from auditapp.inbound.files.json_stream import FileError


def strictly(rows) -> list:
    """Return the rows; the first that could not be read is raised."""
    found = []
    for row in rows:
        if isinstance(row, FileError):
            raise row
        found.append(row)
    return found
