"""Trains a factorization machine on sparse RecordIO, and holds the rows against what they must hold.

The folder of the only argument has `expected.json` (`rows`: the label, then the slots that are 1; `slots`,
how many there are) and `train`.
"""

import json
import pathlib
import sys

import numpy

from record_io import record_class, records

FACTORS = 4


def read(folder):
    message = record_class()
    rows = []
    for path in sorted(folder.glob("*.pbr")):
        for record in records(path, message):
            features = record.features["values"].float32_tensor
            assert set(features.values) == {1.0}, features.values
            [label] = record.label["values"].float32_tensor.values
            rows.append(([label, *features.keys], list(features.shape)))
    return rows


def predict(weights, pairs):
    bias, linear, factors = weights
    one, other = pairs[:, 0], pairs[:, 1]
    return bias + linear[one] + linear[other] + numpy.sum(factors[one] * factors[other], axis=1)


def train(pairs, labels, slots, rounds=400, rate=0.5):
    """y = b + sum w_i x_i + sum <v_i, v_j> x_i x_j of two slots that are 1, by gradient descent."""
    draw = numpy.random.default_rng(0)
    bias, linear = labels.mean(), numpy.zeros(slots)
    factors = draw.normal(0, 0.01, (slots, FACTORS))
    counts = numpy.maximum(numpy.bincount(pairs.ravel(), minlength=slots), 1)
    for _ in range(rounds):
        error = predict((bias, linear, factors), pairs) - labels
        steps = numpy.zeros(slots), numpy.zeros((slots, FACTORS))
        for one, other in [(0, 1), (1, 0)]:
            numpy.add.at(steps[0], pairs[:, one], error)
            numpy.add.at(steps[1], pairs[:, one], error[:, None] * factors[pairs[:, other]])
        linear -= rate * steps[0] / counts
        factors -= 0.1 * rate * steps[1] / counts[:, None]
    return bias, linear, factors


def main():
    root = pathlib.Path(sys.argv[1])
    expected = json.loads((root / "expected.json").read_text())
    slots = expected["slots"]
    rows = read(root / "train")
    assert all(shape == [slots] for _, shape in rows)
    rows = [row for row, _ in rows]
    assert sorted(rows) == sorted(expected["rows"]), "each row has its user's slot and its item's"
    labels = numpy.array([row[0] for row in rows])
    pairs = numpy.array([row[1:] for row in rows])
    # Rows stay in their shards, which hold other items each.
    order = numpy.random.default_rng(1).permutation(len(rows))
    labels, pairs, held = labels[order], pairs[order], len(rows) // 3
    weights = train(pairs[held:], labels[held:], slots)
    error = numpy.sqrt(numpy.mean((predict(weights, pairs[:held]) - labels[:held]) ** 2))
    spread = numpy.std(labels)
    assert error < spread / 4, f"a model that learns nothing: {error} of {spread}"
    print(f"learned: error {error:.3f} of {spread:.3f}")


main()
