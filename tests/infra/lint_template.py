"""Transforms the SAM template as CloudFormation does and lints what becomes of it: lint_template.py TEMPLATE."""

import json
import os
import subprocess
import sys
import tempfile

import sam


def main(path):
    transformed = sam.transformed(sam.read(path))
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, "template.json")
        with open(output, "w", encoding="utf-8") as file:
            json.dump(transformed, file, indent=1)
        lint = os.path.join(os.path.dirname(sys.executable), "cfn-lint")
        return subprocess.run([lint, "--include-checks", "I", "--", output]).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
