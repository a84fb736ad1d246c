"""Checks a stack offline, as CloudFormation and IAM would read it: check.py FOLDER…

Each folder holds template.yaml and retrain.asl.json. Prints one JSON object: for each folder the
findings, each with the name of the check that made it: transform, cfn-lint, botocore, schedule.
"""

import concurrent.futures
import json
import os
import re
import sys

import botocore.loaders
import botocore.model
import botocore.validate
import cfnlint.api
import cfnlint.config

import sam


def linted(template):
    matches = cfnlint.api.lint(
        json.dumps(template, indent=1),
        config=cfnlint.config.ManualArgs(regions=["us-east-1"], include_checks=["I"]),
    )
    return [f"{match.rule.id} {match.message}" for match in matches]


def states(machine):
    for name, state in machine.get("States", {}).items():
        yield name, state
        for inner in ("ItemProcessor", "Iterator"):
            yield from states(state.get(inner, {}))
        for branch in state.get("Branches", []):
            yield from states(branch)


OPTIMIZED = {("lambda", "invoke"): "Invoke", ("s3", "getObject"): "GetObject"}


def contract(machine):
    """Each integration of the state machine against botocore's model of the service."""
    loader = botocore.loaders.Loader()
    found = []
    for name, state in states(machine):
        for place in (state, state.get("ItemReader", {})):
            resource = place.get("Resource", "")
            match = re.fullmatch(r"arn:\S+?:states:::(aws-sdk:)?(\w+):(\w+)(\.\w+)?", resource)
            if not match:
                if resource:
                    found.append(f"{name}: {resource} is no integration")
                continue
            _, service, operation, _ = match.groups()
            service = {"sfn": "stepfunctions"}.get(service, service)
            try:
                model = botocore.model.ServiceModel(loader.load_service_model(service, "service-2"))
                shape = model.operation_model(operation[0].upper() + operation[1:]).input_shape
            except Exception as error:
                found.append(f"{name}: {resource}: {error}")
                continue
            given = {key.removesuffix(".$"): value for key, value in place.get("Parameters", {}).items()}
            for key in given:
                if key not in shape.members:
                    found.append(f"{name}: {operation} has no parameter {key}")
            for key in shape.required_members:
                if key not in given:
                    found.append(f"{name}: {operation} needs {key}")
    return found


# What CloudFormation calls for a resource, with the properties that it names otherwise.
CREATES = {
    "AWS::Glue::Database": ("glue", "CreateDatabase", {}),
    "AWS::Glue::Table": ("glue", "CreateTable", {}),
    "AWS::Athena::WorkGroup": (
        "athena",
        "CreateWorkGroup",
        {"WorkGroupConfiguration": "Configuration", "RecursiveDeleteOption": None},
    ),
    "AWS::Athena::NamedQuery": ("athena", "CreateNamedQuery", {}),
}


def plain(value):
    """A property as a value of its type: what a function would give is some text."""
    if isinstance(value, list):
        return [plain(element) for element in value]
    if not isinstance(value, dict):
        return value
    if len(value) == 1:
        [(name, argument)] = value.items()
        if name == "Fn::If":
            return plain(argument[1])
        if name == "Fn::Sub" and isinstance(argument, str):
            return argument
        if argument == "AWS::AccountId":
            return "123456789012"
        if name == "Ref" or name.startswith("Fn::"):
            return "text"
    return {key: plain(inner) for key, inner in value.items()}


def created(template):
    """Each resource of Glue and Athena against botocore's model of the call that makes it."""
    loader = botocore.loaders.Loader()
    found = []
    for name, resource in template["Resources"].items():
        if resource["Type"] not in CREATES:
            continue
        service, operation, renamed = CREATES[resource["Type"]]
        model = botocore.model.ServiceModel(loader.load_service_model(service, "service-2"))
        given = plain(resource["Properties"])
        given = {renamed.get(key, key): value for key, value in given.items()}
        given.pop(None, None)
        shape = model.operation_model(operation).input_shape
        report = botocore.validate.ParamValidator().validate(given, shape)
        if report.has_errors():
            found.append(f"{name}: {report.generate_report()}")
    return found


FIELDS = {
    "minutes": (0, 59),
    "hours": (0, 23),
    "day of month": (1, 31),
    "month": (1, 12),
    "day of week": (1, 7),
    "year": (1970, 2199),
}
NAMES = "SUN MON TUE WED THU FRI SAT JAN FEB MAR APR MAY JUN JUL AUG SEP OCT NOV DEC".split()


def cron(expression):
    """What EventBridge Scheduler refuses of cron(…), which CloudFormation learns only when it asks it."""
    fields = expression.split()
    if len(fields) != 6:
        return f"cron({expression}) has {len(fields)} fields, not 6"
    if (fields[2] == "?") == (fields[4] == "?"):
        return f"cron({expression}): either the day of month or the day of week must be ?"
    for (name, (low, high)), field in zip(FIELDS.items(), fields):
        for value in re.split(r"[,\-/#]", field):
            if value in ("*", "?", "L", "W", "LW") or value.upper() in NAMES or re.fullmatch(r"\d+[LW]", value):
                continue
            if not value.isdigit() or not low <= int(value) <= high:
                return f"cron({expression}): {value!r} is no {name}"
    return None


def scheduled(template):
    found = []
    schedules = [
        (name, resource["Properties"].get("ScheduleExpression"))
        for name, resource in template["Resources"].items()
        if resource["Type"] == "AWS::Scheduler::Schedule"
    ]
    if not schedules:
        found.append("there is no schedule")
    for name, expression in schedules:
        if isinstance(expression, dict):
            expression = template["Parameters"].get(expression.get("Ref"), {}).get("Default")
        match = re.fullmatch(r"cron\((.*)\)", expression or "")
        problem = cron(match.group(1)) if match else None
        if problem or not expression:
            found.append(f"{name}: {problem or 'has no expression'}")
    return found


def check(folder):
    found = []

    def say(name, problems):
        found.extend({"check": name, "problem": problem} for problem in problems)

    try:
        template = sam.read(os.path.join(folder, "template.yaml"))
        with open(os.path.join(folder, "retrain.asl.json"), encoding="utf-8") as file:
            machine = json.load(file)
        say("botocore", contract(machine))
        made = sam.transformed(template, machine)
    except Exception as error:
        say("transform", [str(error).splitlines()[0]])
        return folder, found
    say("botocore", created(made))
    say("cfn-lint", linted(made))
    say("schedule", scheduled(made))
    return folder, found


# cfn-lint goes down a template by calling itself: Python's 1000 calls are near what ours takes.
sys.setrecursionlimit(10_000)


def main(folders):
    workers = min(len(folders), os.cpu_count() or 1)
    with concurrent.futures.ProcessPoolExecutor(workers) as pool:
        print(json.dumps(dict(pool.map(check, folders))))


if __name__ == "__main__":
    main(sys.argv[1:])
