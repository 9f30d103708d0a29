"""Finds Chromium, or installs Debian's package where this may be done: as root, with apt-get."""

import os
import shutil
import subprocess

NAMES = ("chromium", "chromium-browser", "google-chrome")
SECONDS = 600
NO_CHROMIUM = "no Chromium on the PATH or in CHROMIUM, and none could be installed"


def find_chromium() -> str | None:
    """Return the path of a Chromium: ``CHROMIUM`` of the environment, else one on the PATH."""
    if named := os.environ.get("CHROMIUM"):
        return shutil.which(named)
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def install_chromium() -> str | None:
    """Install Debian's package, quietly, and return the path; None where that cannot be done."""
    if os.environ.get("CHROMIUM") or os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    # Two test processes may come here at once: the second waits, then finds it installed.
    apt = ["apt-get", "--quiet", "--yes", "-o", f"DPkg::Lock::Timeout={SECONDS}"]
    for command in (["update"], ["install", "--no-install-recommends", "chromium"]):
        try:
            subprocess.run(
                [*apt, *command],
                check=False,  # an outdated list of packages may still do; the search below decides
                capture_output=True,
                timeout=SECONDS,
                env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
    return find_chromium()
