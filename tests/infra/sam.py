"""What CloudFormation makes of the SAM template, without asking it. Must not know what is checked."""

import os

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


def read(path):
    """A template with CloudFormation's tags."""
    with open(path, encoding="utf-8") as file:
        return yaml_parse(file)


def transformed(template, machine=None):
    """The template with its macro carried out. Code and definition are where `sam package` would put them:
    the code of a function under its binary's name; the definition inside, if there is one."""
    for resource in template["Resources"].values():
        properties = resource.get("Properties", {})
        if "CodeUri" in properties:
            binary = resource.get("Metadata", {}).get("BuildProperties", {}).get("Binary", "package")
            properties["CodeUri"] = {"Bucket": "packages", "Key": binary}
        if "DefinitionUri" in properties:
            if machine is None:
                properties["DefinitionUri"] = {"Bucket": "packages", "Key": "definition"}
            else:
                del properties["DefinitionUri"]
                properties["Definition"] = machine
    return transform(template, {}, NoManagedPolicies())
