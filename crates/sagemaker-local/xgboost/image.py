"""Runs in place of the image of SageMaker's built-in XGBoost: `train` and `serve` with xgboost-cpu.

It follows the container's documented conventions. It is our own because the container is not on PyPI,
and PyPI's sagemaker-training is made for scripts, builds C code, and has no algorithm.
Sources: "XGBoost algorithm with Amazon SageMaker AI" of the SageMaker developer guide, and the answers
of github.com/aws/sagemaker-xgboost-container.

CSV has no header and the label first. With csv_weights=1 the row's weight follows. An empty cell is a
missing value. XGBoost's own reader reads it, as in the container: a header or a text cell becomes data.
"""

import csv
import json
import os
import signal
import sys
import traceback
import warnings
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import numpy
import xgboost

# The container uses this reader of text files. Newer versions of XGBoost warn that it will be removed.
warnings.filterwarnings("ignore", message=".*Text file input has been deprecated.*")
xgboost.set_config(verbosity=1)

BASE = os.environ.get("SAGEMAKER_BASE_DIR", "/opt/ml")
MODEL = os.path.join(BASE, "model", "xgboost-model")
CHECKPOINTS = os.path.join(BASE, "checkpoints")
CHECKPOINT = "xgboost-checkpoint"
KEPT_CHECKPOINTS = 5
FOLDER_LEVELS = 3
ACCEPTS = ["application/json", "application/jsonlines", "text/csv"]

# Hyperparameters of the container. The others are XGBoost's own.
OWN = {"num_round", "csv_weights", "early_stopping_rounds", "save_model_on_termination", "_tuning_objective_metric"}
XGBOOST = {
    "alpha", "base_score", "booster", "colsample_bylevel", "colsample_bynode", "colsample_bytree",
    "deterministic_histogram", "device", "eta", "eval_metric", "gamma", "grow_policy", "interaction_constraints",
    "lambda", "lambda_bias", "learning_rate", "max_bin", "max_delta_step", "max_depth", "max_leaves",
    "min_child_weight", "monotone_constraints", "normalize_type", "nthread", "num_class", "num_parallel_tree",
    "objective", "one_drop", "process_type", "rate_drop", "refresh_leaf", "sample_type", "sampling_method",
    "scale_pos_weight", "seed", "sketch_eps", "skip_drop", "subsample", "tree_method", "tweedie_variance_power",
    "updater", "verbosity", "huber_slope",
}


class UserError(Exception):
    """An error that the user can correct. Its text is the job's FailureReason."""


def config(name):
    with open(os.path.join(BASE, "input", "config", name + ".json"), encoding="utf-8") as file:
        return json.load(file)


def files_of(channel):
    """The files of a channel, down to the third folder level."""
    top = os.path.join(BASE, "input", "data", channel)
    for folder, folders, names in os.walk(top):
        depth = 0 if folder == top else os.path.relpath(folder, top).count(os.sep) + 1
        if depth >= FOLDER_LEVELS:
            folders.clear()
        for name in names:
            if not name.startswith("."):
                yield os.path.join(folder, name)


def delimiter_of(path):
    """The delimiter, sniffed from the first line of one file. For a single column it is one of its digits."""
    with open(path, encoding="utf-8") as file:
        line = file.readline()
    try:
        return csv.Sniffer().sniff(line).delimiter
    except csv.Error as error:
        raise UserError(f"Could not determine delimiter on line {line[:50]}:\n{error}") from error


def read(channel, described, csv_weights):
    """Reads a channel into a DMatrix."""
    files = sorted(files_of(channel))
    if not files:
        raise UserError(f"No data in channel {channel}")
    kind = (described.get("ContentType") or "text/libsvm").split(";")[0].strip().lower()
    # XGBoost reads the files of one folder without its subfolders, so links to all files go into one.
    folder = os.path.join(BASE, "input", "read", channel)
    os.makedirs(folder, exist_ok=True)
    for index, path in enumerate(files):
        link = os.path.join(folder, str(index))
        if not os.path.lexists(link):
            os.symlink(path, link)
    if kind in ("csv", "text/csv"):
        delimiter = delimiter_of(files[0])
        weight = "&weight_column=1" if csv_weights else ""
        source = f"{folder}?format=csv&label_column=0&delimiter={delimiter}{weight}"
    elif kind in ("libsvm", "text/libsvm", "text/x-libsvm"):
        source = f"{folder}?format=libsvm"
    else:
        raise UserError(f"{kind} is not an accepted ContentType: csv, libsvm, text/csv, text/libsvm, text/x-libsvm")
    try:
        return xgboost.DMatrix(source)
    except xgboost.core.XGBoostError as error:
        raise UserError(f"Failed to load {kind} data with exception:\n{error}") from error


def number(parameters, name, default):
    text = parameters.get(name)
    if text is None:
        return default
    try:
        return int(text)
    except ValueError as error:
        raise UserError(f"Hyperparameter {name}: could not parse value: {text}") from error


class Log(xgboost.callback.TrainingCallback):
    """Prints a line per round in the form in which CloudWatch shows the container's: a TAB is #011."""

    def __init__(self, done):
        self.done = done

    def after_iteration(self, model, epoch, evals_log):
        columns = [
            f"{channel}-{metric}:{values[-1]:.5f}"
            for channel, metrics in evals_log.items()
            for metric, values in metrics.items()
        ]
        print("#011".join([f"[{self.done + epoch}]", *columns]), flush=True)
        return False


class Keep(xgboost.callback.TrainingCallback):
    """Writes a checkpoint per round, and removes old ones."""

    def __init__(self, done):
        self.done = done

    def after_iteration(self, model, epoch, evals_log):
        latest = self.done + epoch
        write(os.path.join(CHECKPOINTS, f"{CHECKPOINT}.{latest}"), model)
        old = os.path.join(CHECKPOINTS, f"{CHECKPOINT}.{latest - KEPT_CHECKPOINTS}")
        if os.path.exists(old):
            os.remove(old)
        return False


def write(path, model):
    """Writes the file under another name and renames it, so that no checkpoint is incomplete."""
    with open(path + ".new", "wb") as file:
        file.write(model.save_raw("ubj"))
    os.replace(path + ".new", path)


def load(path):
    with open(path, "rb") as file:
        return xgboost.Booster(model_file=bytearray(file.read()))


def last_checkpoint():
    """The model of the last checkpoint, and its number of rounds."""
    names = os.listdir(CHECKPOINTS) if os.path.isdir(CHECKPOINTS) else []
    rounds = [name.rpartition(".")[2] for name in names if name.startswith(CHECKPOINT + ".")]
    rounds = [int(text) for text in rounds if text.isdigit()]
    if not rounds:
        return None, 0
    return load(os.path.join(CHECKPOINTS, f"{CHECKPOINT}.{max(rounds)}")), max(rounds) + 1


def parameters_of(given):
    """Converts the hyperparameters, which are all strings, to those of XGBoost."""
    unknown = sorted(set(given) - OWN - XGBOOST)
    if unknown:
        raise UserError(f"Extraneous hyperparameter found: {', '.join(unknown)}")
    if "num_round" not in given:
        raise UserError("Missing required hyperparameter: num_round")
    parameters = {name: value for name, value in given.items() if name in XGBOOST}
    metrics = [metric.strip() for metric in parameters.pop("eval_metric", "").split(",") if metric.strip()]
    objective = given.get("_tuning_objective_metric", "")
    tuned = objective.rpartition(":")[2]
    if tuned and tuned not in metrics:
        metrics.append(tuned)
    if metrics:
        parameters["eval_metric"] = metrics
    return parameters


def train():
    given = config("hyperparameters")
    channels = config("inputdataconfig")
    if "train" not in channels:
        raise UserError("Missing required channel: train")
    parameters = parameters_of(given)
    weighted = given.get("csv_weights", "0") == "1"
    watched = [(read(name, channels[name], weighted), name) for name in ("train", "validation") if name in channels]
    for data, name in watched:
        print(f"{name}: {data.num_row()} rows, {data.num_col()} columns", flush=True)
    booster, done = last_checkpoint()
    if done:
        print(f"Checkpoint of {done} rounds loaded", flush=True)
    os.makedirs(CHECKPOINTS, exist_ok=True)
    try:
        booster = xgboost.train(
            parameters,
            watched[0][0],
            num_boost_round=max(number(given, "num_round", 0) - done, 0),
            evals=watched,
            early_stopping_rounds=number(given, "early_stopping_rounds", None),
            xgb_model=booster,
            verbose_eval=False,
            callbacks=[Log(done), Keep(done)],
        )
    except (xgboost.core.XGBoostError, ValueError) as error:
        raise UserError(f"XGB train call failed with exception:\n{error}") from error
    write(MODEL, booster)
    print(f"Model of {booster.num_boosted_rounds()} rounds saved", flush=True)


def rows_of(body):
    """Parses rows of CSV without the label. An empty cell is a missing value."""
    lines = [line for line in body.decode("utf-8").splitlines() if line.strip()]
    if not lines:
        raise ValueError("there are no rows")
    rows = [[float(cell) if cell.strip() else numpy.nan for cell in line.split(",")] for line in lines]
    if len({len(row) for row in rows}) > 1:
        raise ValueError("the rows differ in length")
    return numpy.array(rows, dtype=numpy.float32)


def accept_of(given):
    """The media type of the answer."""
    accept = given.split(";")[0].strip().lower()
    if accept in ("", "*/*"):
        return os.environ.get("SAGEMAKER_DEFAULT_INVOCATIONS_ACCEPT", "text/csv")
    if accept not in ACCEPTS:
        raise ValueError(f"Accept type {accept} is not supported. Please use supported accept types: {ACCEPTS}.")
    return accept


def answer_of(predictions, accept):
    """The predictions as text. With multi:softprob each prediction is a list: a number for each class."""
    values = predictions.tolist()
    if os.environ.get("SAGEMAKER_BATCH") == "true":
        # The container writes Python's own text here, so that a list keeps its brackets.
        return "".join(f"{value}\n" for value in values)
    if accept == "application/json":
        return json.dumps({"predictions": [{"score": value} for value in values]})
    if accept == "application/jsonlines":
        return "".join(json.dumps({"score": value}) + "\n" for value in values)
    rows = [value if isinstance(value, list) else [value] for value in values]
    return "".join(",".join(map(str, row)) + "\n" for row in rows)


def serve():
    booster = load(MODEL)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def answer(self, status, text, kind="text/plain"):
            body = text.encode("utf-8")
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def do_GET(self):
            self.answer(200 if self.path == "/ping" else 404, "")

        def do_POST(self):
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            if self.path != "/invocations":
                return self.answer(404, "")
            kind = (self.headers.get("Content-Type") or "text/csv").split(";")[0].strip().lower()
            if kind not in ("text/csv", "csv"):
                return self.answer(415, f"{kind} is not an accepted content type: text/csv")
            try:
                rows = rows_of(body)
                if rows.shape[1] != booster.num_features():
                    raise ValueError(f"the rows have {rows.shape[1]} columns, and the model {booster.num_features()}")
                predictions = booster.inplace_predict(rows)
            except ValueError as error:
                return self.answer(400, f"Unable to evaluate payload provided: {error}")
            try:
                accept = accept_of(self.headers.get("Accept") or "")
            except ValueError as error:
                return self.answer(406, str(error))
            self.answer(200, answer_of(predictions, accept), accept)

        def log_message(self, *_):
            """Logs nothing: a line for every /ping has no use."""

    port = int(os.environ.get("SAGEMAKER_BIND_TO_PORT", "8080"))
    # A container must be reachable from outside. On a shared machine the server must not be.
    host = "127.0.0.1" if "SAGEMAKER_BIND_TO_PORT" in os.environ else "0.0.0.0"
    ThreadingHTTPServer((host, port), Handler).serve_forever()


def main():
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    if sys.argv[1:] == ["serve"]:
        return serve()
    if sys.argv[1:] != ["train"]:
        sys.exit("usage: image.py train|serve")
    try:
        train()
    except UserError as error:
        reason = str(error)
    except Exception:
        reason = traceback.format_exc()
    else:
        return None
    print(reason, file=sys.stderr)
    with open(os.path.join(BASE, "output", "failure"), "w", encoding="utf-8") as file:
        file.write(reason)
    return 1


if __name__ == "__main__":
    sys.exit(main())
