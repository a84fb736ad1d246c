"""Packs each program as a Lambda package: package.py PROGRAM PACKAGE [PROGRAM PACKAGE ...]"""

import os
import shutil
import sys
import zipfile

paths = iter(sys.argv[1:])
for program, package in zip(paths, paths):
    # Without the time of its making: the same program makes the same package.
    entry = zipfile.ZipInfo("bootstrap")
    entry.external_attr = 0o755 << 16
    new = package + ".new"
    os.makedirs(os.path.dirname(package), exist_ok=True)
    with open(program, "rb") as source, zipfile.ZipFile(new, "w") as archive:
        times = os.stat(source.fileno())
        with archive.open(entry, "w") as target:
            shutil.copyfileobj(source, target, 1 << 20)
    # By this time a later build sees which program is in the package.
    os.utime(new, ns=(times.st_mtime_ns, times.st_mtime_ns))
    os.replace(new, package)
