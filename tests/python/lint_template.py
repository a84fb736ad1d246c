"""Transforms the SAM template as CloudFormation does and lints what becomes of it: lint_template.py TEMPLATE."""

import json
import os
import subprocess
import sys
import tempfile

# The transform asks for a region, and for no account.
os.environ.setdefault("AWS_DEFAULT_REGION", "us-east-1")

from samtranslator.public.translator import ManagedPolicyLoader
from samtranslator.translator.transform import transform
from samtranslator.yaml_helper import yaml_parse


class NoManagedPolicies(ManagedPolicyLoader):
    """The template names none, so nobody has to be asked for them."""

    def __init__(self):
        super().__init__(None)

    def load(self):
        return {}


def main(path):
    with open(path, encoding="utf-8") as file:
        template = yaml_parse(file)
    # What `sam package` does: the code lies in a bucket.
    uploaded = {"Bucket": "packages", "Key": "package"}
    for resource in template["Resources"].values():
        for field in ("CodeUri", "DefinitionUri"):
            if field in resource.get("Properties", {}):
                resource["Properties"][field] = uploaded
    transformed = transform(template, {}, NoManagedPolicies())
    with tempfile.TemporaryDirectory() as folder:
        output = os.path.join(folder, "template.json")
        with open(output, "w", encoding="utf-8") as file:
            json.dump(transformed, file, indent=1)
        lint = os.path.join(os.path.dirname(sys.executable), "cfn-lint")
        return subprocess.run([lint, "--include-checks", "I", "--", output]).returncode


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
