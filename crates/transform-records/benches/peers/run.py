#!/usr/bin/env python3
"""Measures what the same batches cost Python handlers, beside `cargo bench -p transform-records`.

Installs pinned versions below target/peers.
"""

import argparse
import json
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[3]
VENV = ROOT / "target" / "peers" / "transform"
PEERS = {"json": "Python `json`, own marshalling", "serializer": "Python boto3 `TypeSerializer`"}


def install():
    """Installs what is not there yet; returns the Python that has it."""
    python = VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    requirements = HERE / "requirements.txt"
    subprocess.run([python, "-m", "pip", "install", "-q", "-r", requirements], check=True)
    return python


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=10.0, help="CPU seconds for each figure")
    parser.add_argument("--rounds", type=int, default=3)
    options = parser.parse_args()
    python = install()
    with tempfile.TemporaryDirectory() as folder:
        write = ["cargo", "bench", "-q", "-p", "transform-records", "--", "write", folder]
        subprocess.run(write, cwd=ROOT, check=True)
        print("| | CPU s/GB of events | peak memory |\n|---|---|---|")
        for peer, title in PEERS.items():
            command = [python, HERE / "handlers.py", peer, folder, str(options.seconds)]
            runs = [
                json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
                for _ in range(options.rounds)
            ]
            figures = sorted(run["cpu"] * 1e9 / run["bytes"] for run in runs)
            peak = max(run["peak_mb"] for run in runs)
            print(f"| {title} | {figures[len(figures) // 2]:.0f} | {peak:.0f} MB |", flush=True)


main()
