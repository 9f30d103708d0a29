"""The benchmarks run, on a log that is small: what they measure is not for a test to say."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
COMMANDS = {
    "bench.timeline_check --events 300": "event_search          300 rows alike",
    "bench.timeline --events 300 --databases sqlite --rounds 1 --quick": "| a word in 50.00%: q=quartz | 1 |",
}


@pytest.mark.parametrize("command", COMMANDS)
def test_a_benchmark_fills_its_log_and_tells_of_it(command):
    done = subprocess.run(
        [sys.executable, "-m", *command.split(" ")], cwd=ROOT, capture_output=True, text=True, timeout=300
    )

    assert done.returncode == 0, done.stderr
    assert COMMANDS[command] in done.stdout
