"""Makes the templates that the CDK construct includes: cdk_templates.py TEMPLATE SCHEDULE FOLDER.

The stack's: plain CloudFormation, as SAM's macro would leave it. The schedule's: what it would import
from the stack becomes a parameter named as the stack's output.
"""

import json
import os
import sys

import sam


def without_build(template):
    # How the functions are built is SAM's concern; the ones here were built before.
    for resource in template["Resources"].values():
        for name in ("BuildMethod", "BuildProperties"):
            resource.get("Metadata", {}).pop(name, None)
        if resource.get("Metadata") == {}:
            del resource["Metadata"]
    # Questions of the console, which a construct's properties ask.
    template.pop("Metadata", None)
    return template


def exports(template):
    """The stack's outputs by the ends of their exports' names."""
    prefix = "${AWS::StackName}-"
    found = {}
    for name, output in template["Outputs"].items():
        if "Export" in output:
            found[output["Export"]["Name"]["Fn::Sub"].removeprefix(prefix)] = name
    return found


def imported(value, outputs, used):
    if isinstance(value, list):
        return [imported(element, outputs, used) for element in value]
    if not isinstance(value, dict):
        return value
    if "Fn::ImportValue" in value:
        name = value["Fn::ImportValue"]["Fn::Sub"].removeprefix("${MillraceStack}-")
        used.add(outputs[name])
        return {"Ref": outputs[name]}
    if isinstance(value.get("Fn::Sub"), str):
        # The construct is one stack.
        return {"Fn::Sub": value["Fn::Sub"].replace("${MillraceStack}", "${AWS::StackName}")}
    return {key: imported(inner, outputs, used) for key, inner in value.items()}


def attached(schedule, outputs):
    used = set()
    schedule = imported(schedule, outputs, used)
    del schedule["Parameters"]["MillraceStack"], schedule["Metadata"]
    schedule["Parameters"].update({name: {"Type": "String"} for name in sorted(used)})
    return schedule


def write(folder, name, template):
    with open(os.path.join(folder, name), "w", encoding="utf-8") as file:
        json.dump(template, file, indent=1)
        file.write("\n")


def main(template, schedule, folder):
    stack = sam.transformed(sam.read(template))
    write(folder, "template.json", without_build(stack))
    write(folder, "schedule.json", attached(sam.read(schedule), exports(stack)))


if __name__ == "__main__":
    main(*sys.argv[1:])
