"""Has WebDataset read an archive of images.

    read_image_archive.py FOLDER

FOLDER holds train.tar and expected.json: for each sample in order its name, class, ending, sides and
what is known of it.
"""

import json
import pathlib
import sys

import webdataset


def main(folder):
    expected = json.loads((folder / "expected.json").read_text())
    samples = webdataset.WebDataset(str(folder / "train.tar"), shardshuffle=False).decode("pil")
    read = 0
    for sample, (name, label, ending, sides, about) in zip(samples, expected, strict=True):
        assert sample["__key__"] == name, (sample["__key__"], name)
        assert sample["cls"] == label, (sample["cls"], label)
        assert sample["json"] == about, (sample["json"], about)
        assert list(sample[ending].size) == sides, (sample[ending].size, sides)
        read += 1
    print(f"{read} samples")


main(pathlib.Path(sys.argv[1]))
