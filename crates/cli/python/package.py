"""Packs each program as a Lambda package: package.py PROGRAM PACKAGE [PROGRAM PACKAGE ...]"""

import os
import subprocess
import sys
import tempfile
import zipfile

paths = iter(sys.argv[1:])
for program, package in zip(paths, paths):
    # Without the time of its making: the same program makes the same package.
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = 0o755 << 16
    new = package + ".new"
    os.makedirs(os.path.dirname(package), exist_ok=True)
    times = os.stat(program)
    with tempfile.TemporaryDirectory() as folder:
        # Each byte is hashed and uploaded, and half of an unoptimised program is symbols.
        stripped = os.path.join(folder, "bootstrap")
        subprocess.run(["strip", "--strip-all", "-o", stripped, program], check=True)
        with open(stripped, "rb") as source, zipfile.ZipFile(new, "w") as archive:
            archive.writestr(entry, source.read(), zipfile.ZIP_DEFLATED, compresslevel=1)
    # By this time a later build sees which program is in the package.
    os.utime(new, ns=(times.st_mtime_ns, times.st_mtime_ns))
    os.replace(new, package)
