#!/usr/bin/env python3
"""Measures what the same table costs with peers from registries, beside `cargo bench -p export-segment`.

Installs pinned versions below target/peers and runs each against the benchmark's page server.
"""

import argparse
import json
import os
import pathlib
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[3]
INSTALLED = ROOT / "target" / "peers"


def install():
    """Installs what is not there yet; returns the commands of the peers."""
    venv = INSTALLED / "venv"
    python = venv / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", venv], check=True)
    requirements = HERE / "requirements.txt"
    subprocess.run([python, "-m", "pip", "install", "-q", "-r", requirements], check=True)
    for name in ["package.json", "sdk.mjs"]:
        (INSTALLED / name).write_text((HERE / name).read_text())
    npm = ["npm", "install", "--silent", "--no-audit", "--no-fund"]
    subprocess.run(npm, cwd=INSTALLED, check=True)
    return {
        "JavaScript SDK paginator": ["node", INSTALLED / "sdk.mjs"],
        "boto3 paginator and csv module": [python, HERE / "boto3_csv.py"],
        "awswrangler to CSV": [python, HERE / "awswrangler_csv.py"],
    }


def measure(peers, environment, gigabytes):
    """Runs each peer on the table of the environment and prints what it used."""
    print(f"{'peer':<34}{'seconds':>9}{'CPU s':>9}{'CPU s/GB':>9}{'MB/s':>9}{'peak MB':>9}", flush=True)
    keys = {
        "AWS_ACCESS_KEY_ID": "local",
        "AWS_SECRET_ACCESS_KEY": "local",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_REGION": "us-east-1",
    }
    for name, command in peers.items():
        run = subprocess.run(
            command,
            env={**os.environ, **keys, **environment},
            check=True,
            stdout=subprocess.PIPE,
            text=True,
        )
        used = json.loads(run.stdout)
        cpu, wall = used["cpu"], used["wall"]
        figures = f"{wall:>9.1f}{cpu:>9.1f}{cpu / gigabytes:>9.0f}{gigabytes * 1000 / wall:>9.1f}"
        print(f"{name:<34}{figures}{used['peak_mb']:>9.0f}", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--pages", type=int, default=20, help="pages of 1 MB for each peer")
    options.add_argument("--endpoint", help="a DynamoDB of its own instead of the benchmark's server")
    options.add_argument("--table", help="the table there")
    options.add_argument("--gigabytes", type=float, help="its JSON")
    options = options.parse_args()
    peers = install()
    if options.endpoint:
        there = {"ENDPOINT": options.endpoint, "TABLE": options.table}
        measure(peers, there, options.gigabytes)
        return
    bench = ["cargo", "bench", "-q", "-p", "export-segment", "--bench", "export", "--"]
    with tempfile.NamedTemporaryFile() as certificate:
        serve = [*bench, "serve", "--certificate", certificate.name]
        # A group of its own, so that cargo's child goes with it.
        server = subprocess.Popen(
            serve, cwd=ROOT, stdout=subprocess.PIPE, text=True, start_new_session=True
        )
        try:
            port = server.stdout.readline().strip()
            environment = {
                "AWS_CA_BUNDLE": certificate.name,
                "NODE_EXTRA_CA_CERTS": certificate.name,
                "ENDPOINT": f"https://localhost:{port}",
                "TABLE": f"{options.pages}-pages-0-ms",
            }
            measure(peers, environment, options.pages / 1000)
        finally:
            os.killpg(server.pid, 15)


if __name__ == "__main__":
    main()
