#!/usr/bin/env python3
"""Measures what the same lines cost with pandas, beside `cargo bench -p merge-to-csv -- --keep FOLDER`.

Installs pinned versions below target/peers-merge and reads the parts that the benchmark left in FOLDER.
"""

import argparse
import json
import pathlib
import subprocess
import sys

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[3]
VENV = ROOT / "target" / "peers-merge"


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=pathlib.Path, help="where `--keep` left the lines")
    options.add_argument("--parts", type=int, default=1, help="parts of 64 MiB to read")
    options = options.parse_args()
    python = VENV / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", VENV], check=True)
    subprocess.run([python, "-m", "pip", "install", "-q", "-r", HERE / "requirements.txt"], check=True)
    parts = sorted(options.folder.rglob("part-*.jsonl.zst"))[: options.parts]
    print(f"{'peer':<34}{'CPU s/GB':>10}{'x copy':>10}{'peak MB':>10}", flush=True)
    floor = None
    for way in ["copy", "json and pandas", "pandas.read_json"]:
        command = [python, HERE / "pandas_csv.py", way, *parts]
        run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        used = json.loads(run.stdout)
        per_gb = used["cpu"] / used["gb"]
        floor = floor or per_gb
        print(f"{way:<34}{per_gb:>10.1f}{per_gb / floor:>10.1f}{used['peak_mb']:>10.0f}", flush=True)


if __name__ == "__main__":
    main()
