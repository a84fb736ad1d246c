#!/usr/bin/env python3
"""Measures what listing keys and packing images cost, beside boto3 against the same server: CPU seconds of the client,
and its peak memory. Every way is a process of its own; the server's time does not count.

Needs Python 3.10 with venv. boto3 is installed below target/peers.
"""

import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[2]
INSTALLED = ROOT / "target" / "peers" / "images"


def install():
    """The Python with boto3."""
    python = INSTALLED / "venv" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", INSTALLED / "venv"], check=True)
    requirements = HERE / "peers" / "requirements.txt"
    subprocess.run([python, "-m", "pip", "install", "-q", "-r", requirements], check=True)
    return python


def build():
    """The benchmark's own program."""
    command = ["cargo", "bench", "-q", "-p", "pack-images", "--bench", "images", "--no-run", "--message-format", "json"]
    built = subprocess.run(command, cwd=ROOT, stdout=subprocess.PIPE, text=True, check=True)
    messages = [json.loads(line) for line in built.stdout.splitlines()]
    programs = [m["executable"] for m in messages if m.get("target", {}).get("name") == "images" and m.get("executable")]
    return programs[-1]


def used(command, words=""):
    """What a process printed, its CPU seconds, and its peak memory in MB."""
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    process.stdin.write(words)
    process.stdin.close()
    number = process.stdout.read().split()
    _, status, spent = os.wait4(process.pid, 0)
    process.returncode = status
    if status != 0:
        sys.exit(f"{command[0]} ended with {status}")
    return int(number[-1]), spent.ru_utime + spent.ru_stime, spent.ru_maxrss / 1000


def compare(title, unit, size, ways, rounds):
    """Measures ways in turn, round after round, and prints of each the median."""
    found = {name: [] for name in ways}
    for _ in range(rounds):
        for name, way in ways.items():
            found[name].append(way())
    rates = {name: statistics.median(cpu / size(number) for number, cpu, _ in runs) for name, runs in found.items()}
    first = next(iter(rates.values()))
    print(f"\n{title}\n{'way':<40}{'CPU s/' + unit:>18}{'of the first':>14}{'peak MB':>9}", flush=True)
    for name, runs in found.items():
        peak = max(memory for _, _, memory in runs)
        print(f"{name:<40}{rates[name]:>18.2f}{rates[name] / first:>13.1f}x{peak:>9.0f}", flush=True)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--keys", type=int, default=500_000)
    options.add_argument("--images", type=int, default=2_000)
    options.add_argument("--rounds", type=int, default=3)
    options = options.parse_args()
    python, program = install(), build()
    peer = [python, HERE / "peers" / "peers.py"]
    with tempfile.TemporaryDirectory() as folder:
        serve = [program, "serve", "--keys", str(options.keys), "--folder", folder]
        server = subprocess.Popen(serve, stdout=subprocess.PIPE, text=True)
        try:
            port = server.stdout.readline().strip()
            lists = {
                "Millrace, one listing": lambda: used([program, "list", "--port", port]),
                "boto3, paginator": lambda: used([*peer, "list", port]),
            }
            compare(f"{options.keys:,} keys", "million keys", lambda keys: keys / 1e6, lists, options.rounds)
            pack = [program, "pack", "--port", port, "--images", str(options.images), "--folder", folder]
            names = "\n".join(f"images/{number:012}-.jpg" for number in range(options.images))
            packs = {
                "Millrace, RecordIO, checked, uploaded": lambda: used(pack),
                "boto3 and tarfile, neither": lambda: used([*peer, "pack", port], names),
            }
            title = f"{options.images:,} images of 1280 x 960, over plain HTTP"
            compare(title, "GB", lambda total: total / 1e9, packs, options.rounds)
        finally:
            server.kill()
            server.wait()


if __name__ == "__main__":
    main()
