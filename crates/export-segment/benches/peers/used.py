"""Says, as JSON, what a function used."""

import json
import resource
import time


def used(function):
    """CPU and wall seconds of `function`, and the process's peak memory."""
    begun, before = time.monotonic(), time.process_time()
    function()
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000
    cpu, wall = time.process_time() - before, time.monotonic() - begun
    print(json.dumps({"cpu": cpu, "wall": wall, "peak_mb": peak}))
