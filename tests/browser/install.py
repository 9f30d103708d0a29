"""Finds Chromium, or installs a package of Debian's where this may be done: as root, with apt-get."""

import os
import shutil
import subprocess

# The first is the same without windows; browser tests take two thirds of the CPU time in it.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
PACKAGES = ("chromium-headless-shell", "chromium")
SECONDS = 600
NO_CHROMIUM = "no Chromium on the PATH or in CHROMIUM, and none could be installed"


def find_chromium() -> str | None:
    """Return the path of a Chromium: ``CHROMIUM`` of the environment, else one on the PATH."""
    if named := os.environ.get("CHROMIUM"):
        return shutil.which(named)
    return next((path for name in NAMES if (path := shutil.which(name))), None)


def install_chromium() -> str | None:
    """Install a package, quietly, and return the path; None where that cannot be done."""
    if os.environ.get("CHROMIUM") or os.geteuid() != 0 or not shutil.which("apt-get"):
        return None
    # Test processes may come here at once: the others wait, then find it installed.
    apt = ["apt-get", "--quiet", "--yes", "-o", f"DPkg::Lock::Timeout={SECONDS}"]
    try:
        _run(*apt, "update")
        for package in PACKAGES:
            _run(*apt, "install", "--no-install-recommends", package)
            if path := find_chromium():
                return path
    except (OSError, subprocess.TimeoutExpired):
        return None
    return None


def _run(*command: str) -> None:
    """Run a command whose failure is seen by what is not there after it: an outdated list may still do."""
    subprocess.run(
        command,
        check=False,
        capture_output=True,
        timeout=SECONDS,
        env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"},
    )
