#!/usr/bin/env python3
"""Measures what the same lines cost with pandas and awswrangler, beside `cargo bench -p merge-to-csv -- --keep FOLDER`.

Installs pinned versions below target/peers-merge and reads the parts that the benchmark left in FOLDER; awswrangler
reads them over HTTP from this process, whose own time is not counted.
"""

import argparse
import http.server
import json
import os
import pathlib
import re
import subprocess
import sys
import threading

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parents[3]
VENV = ROOT / "target" / "peers-merge"
WAYS = ["copy", "json and pandas", "pandas.read_json", "awswrangler.s3.read_json"]


class Objects(http.server.BaseHTTPRequestHandler):
    """As much of S3 as reading needs: HEAD, and GET with a range, of `/bucket/` and a file's number."""

    protocol_version = "HTTP/1.1"
    parts = []

    def answer(self, with_body):
        body = self.parts[int(re.search(r"(\d+)", self.path.split("?")[0])[1])].read_bytes()
        span = re.fullmatch(r"bytes=(\d+)-(\d*)", self.headers.get("range", ""))
        first = int(span[1]) if span else 0
        last = min(int(span[2] or len(body)), len(body) - 1) if span else len(body) - 1
        self.send_response(206 if span else 200)
        self.send_header("content-length", str(last + 1 - first))
        self.send_header("etag", '"e"')
        if span:
            self.send_header("content-range", f"bytes {first}-{last}/{len(body)}")
        self.end_headers()
        if with_body:
            self.wfile.write(body[first : last + 1])

    def do_HEAD(self):
        self.answer(False)

    def do_GET(self):
        self.answer(True)

    def log_message(self, *_):
        pass


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
    if not parts:
        sys.exit(f"{options.folder} has no parts: run cargo bench -p merge-to-csv -- --keep {options.folder}")
    Objects.parts = parts
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Objects)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    nobody = {"AWS_ACCESS_KEY_ID": "a", "AWS_SECRET_ACCESS_KEY": "a", "AWS_DEFAULT_REGION": "us-east-1"}
    environment = os.environ | nobody | {"ENDPOINT": f"http://127.0.0.1:{server.server_port}"}
    print(f"{'peer':<34}{'CPU s/GB':>10}{'x copy':>10}{'peak MB':>10}", flush=True)
    floor = None
    for way in WAYS:
        command = [python, HERE / "pandas_csv.py", way, *parts]
        run = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
        used = json.loads(run.stdout)
        per_gb = used["cpu"] / used["gb"]
        floor = floor or per_gb
        print(f"{way:<34}{per_gb:>10.1f}{per_gb / floor:>10.1f}{used['peak_mb']:>10.0f}", flush=True)


if __name__ == "__main__":
    main()
