"""A disk of a few megabytes that can be filled, and emptied again."""

import os
import subprocess
import tempfile
from pathlib import Path

MEBIBYTE = 1024 * 1024
NO_MOUNT = "a disk can be filled only where tests may mount a tmpfs (as root): "


class SmallDisk:
    """A tmpfs: what it holds beyond its size is refused with ENOSPC, as a real disk does.

    :raise PermissionError: with the reason, where mounting is not allowed.
    """

    def __init__(self, mebibytes: int) -> None:
        # Not in pytest's own folder: PostgreSQL runs as another user, who may not go in there.
        self.folder = Path(tempfile.mkdtemp(prefix="auditapp-small-disk-"))
        options = f"size={mebibytes}m,mode=0755"
        command = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(self.folder)]
        try:
            result = subprocess.run(command, capture_output=True, text=True, check=False)
        except OSError as error:
            self.folder.rmdir()
            raise PermissionError(str(error)) from None
        if result.returncode:
            self.folder.rmdir()
            raise PermissionError(result.stderr.strip())

    def fill(self, leave: int) -> None:
        """Take all the room but so many bytes."""
        with (self.folder / "ballast").open("wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, self.free - leave)

    def make_room(self) -> None:
        """Give the room back."""
        (self.folder / "ballast").unlink()

    @property
    def free(self) -> int:
        """Return the bytes that are left."""
        told = os.statvfs(self.folder)
        return told.f_bavail * told.f_frsize

    def remove(self) -> None:
        """Unmount it, whatever still has it open."""
        subprocess.run(["umount", "--lazy", str(self.folder)], check=True)
        self.folder.rmdir()
