"""Has MXNet's own iterator read image records, and compares every pixel with Pillow's.

    read_image_records.py FOLDER

FOLDER holds train.rec and expected.json: for each record in order its label and, where pixels are
compared, the name of a file of the same image.
"""

import json
import pathlib
import sys

import mxnet
import numpy
from PIL import Image


def main(folder):
    expected = json.loads((folder / "expected.json").read_text())
    width, height = expected["sides"]
    batches = mxnet.io.ImageRecordIter(
        path_imgrec=str(folder / "train.rec"),
        data_shape=(3, height, width),
        batch_size=1,
        shuffle=False,
        preprocess_threads=2,
        verbose=False,
    )
    records = expected["records"]
    compared, read = 0, 0
    for batch, record in zip(batches, records):
        label = batch.label[0].asnumpy().item()
        assert label == record["label"], (read, label, record)
        if "file" in record:
            pixels = batch.data[0].asnumpy()[0].transpose(1, 2, 0)
            image = numpy.asarray(Image.open(folder / record["file"]).convert("RGB"), dtype="float32")
            assert pixels.shape == image.shape, (read, pixels.shape, image.shape)
            assert (pixels == image).all(), (read, abs(pixels - image).max())
            compared += 1
        read += 1
    assert read == len(records), (read, len(records))
    assert next(batches, None) is None, "there are more records than were written"
    print(f"{read} records, {compared} compared")


main(pathlib.Path(sys.argv[1]))
