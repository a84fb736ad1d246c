#!/usr/bin/env python3
"""Merges changes into parts of a base the way scripts do it: `json`, a dictionary, and gzip or zstandard.

Reads the folder that `cargo bench -p changes --bench apply -- --keep FOLDER` leaves, and prints CPU seconds for a GB of
the base's lines. With `zstandard` installed it is measured too.
"""

import argparse
import gzip
import io
import json
import os
import pathlib
import resource
import sys
import time

PARTS = 1
KEY = ("user_id", "event_id")


def read_zstd(path):
    import zstandard

    with open(path, "rb") as file, zstandard.ZstdDecompressor().stream_reader(file) as stream:
        yield from io.TextIOWrapper(stream, "utf-8")


def key_of(item):
    return tuple(json.dumps(item[name]) for name in KEY)


def changes(folder):
    last = {}
    for path in sorted((folder / "changes").glob("*.json.gz"))[:PARTS]:
        with gzip.open(path, "rt", encoding="utf-8") as lines:
            for line in lines:
                change = json.loads(line)
                last[key_of(change["Keys"])] = change.get("NewImage")
    return last


def writer(path, kind):
    if kind == "gzip":
        return gzip.open(path, "wt", compresslevel=1, encoding="utf-8")
    import zstandard

    return io.TextIOWrapper(zstandard.ZstdCompressor(level=1).stream_writer(open(path, "wb")), "utf-8")


def merge(parts, last, kind, out):
    read = kept = 0
    with writer(out, kind) as file:
        for part in parts:
            for line in read_zstd(part):
                read += len(line.encode())
                if key_of(json.loads(line)["Item"]) not in last:
                    file.write(line)
                    kept += 1
        for image in last.values():
            if image is not None:
                file.write(json.dumps({"Item": image}, separators=(",", ":")) + "\n")
    return read, kept


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("folder", type=pathlib.Path, help="where `--keep` left the lines")
    options.add_argument("kind", choices=["gzip", "zstd"])
    options = options.parse_args()
    parts = sorted(options.folder.glob("raw/default/run=20261120-*/segment-*/part-*.jsonl.zst"))[:PARTS]
    if not parts:
        sys.exit(f"{options.folder} has no parts: run cargo bench -p changes --bench apply -- --keep {options.folder}")
    last = changes(options.folder)
    before = time.process_time()
    read, kept = merge(parts, last, options.kind, os.devnull)
    per_gb = (time.process_time() - before) / read * 1e9
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
    print(f"{options.kind}: {per_gb:.1f} CPU s/GB, {kept} lines kept, {len(last)} changed, {peak:.0f} MB", flush=True)


if __name__ == "__main__":
    main()
