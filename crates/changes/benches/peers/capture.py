#!/usr/bin/env python3
"""Captures a batch of a stream the way handlers do it: `json`, a line for each record, and gzip of level 1.

`cargo bench -p changes --bench capture` calls it. Prints CPU seconds and peak memory as JSON.
"""

import argparse
import gzip
import json
import resource
import time


def handler(event):
    batch = json.loads(event)
    lines = []
    for record in batch["Records"]:
        change = record["dynamodb"]
        line = {
            "Metadata": {
                "SequenceNumber": {"S": change["SequenceNumber"]},
                "ApproximateCreationDateTime": {"N": str(change["ApproximateCreationDateTime"])},
                "EventName": {"S": record["eventName"]},
            },
            "Keys": change["Keys"],
        }
        for image in ("NewImage", "OldImage"):
            if image in change:
                line[image] = change[image]
        lines.append(json.dumps(line, separators=(",", ":")))
    return gzip.compress(("\n".join(lines) + "\n").encode(), compresslevel=1)


def main():
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("event", help="the file with the event")
    options.add_argument("batches", type=int)
    options = options.parse_args()
    with open(options.event, "rb") as file:
        event = file.read()
    before = time.process_time()
    for _ in range(options.batches):
        handler(event)
    cpu = time.process_time() - before
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"cpu": cpu, "peak": peak}))


if __name__ == "__main__":
    main()
