"""Lints policies with parliament: policies.py FILE…

Each file holds one JSON object of policies by their names. Prints one JSON object: for each file the findings.
"""

import json
import sys

from parliament import analyze_policy_string

# Findings that stay, by issue and action.
ANSWERED = {
    # Lambda and SageMaker make the interfaces of a VPC as the role, and they have no names before.
    ("RESOURCE_STAR", "ec2:AssignPrivateIpAddresses"),
    ("RESOURCE_STAR", "ec2:CreateNetworkInterface"),
    ("RESOURCE_STAR", "ec2:CreateNetworkInterfacePermission"),
    ("RESOURCE_STAR", "ec2:DeleteNetworkInterface"),
    ("RESOURCE_STAR", "ec2:DeleteNetworkInterfacePermission"),
    ("RESOURCE_STAR", "ec2:UnassignPrivateIpAddresses"),
    # It asks for executions of express state machines beside those of standard ones. There are none.
    ("RESOURCE_MISMATCH", "states:DescribeExecution"),
    # It takes an ARN apart at its colons, and the label of a stream has two.
    ("RESOURCE_MISMATCH", "dynamodb:DescribeStream"),
    ("RESOURCE_MISMATCH", "dynamodb:GetRecords"),
    ("RESOURCE_MISMATCH", "dynamodb:GetShardIterator"),
    # SAM's policy template for readers of a stream names the stream here, too.
    ("RESOURCE_MISMATCH", "dynamodb:ListStreams"),
    # It knows state machines alone; the children of a Distributed Map are listed by its run.
    ("RESOURCE_MISMATCH", "states:ListExecutions"),
}


def actions(detail):
    if isinstance(detail, list):
        return [it["action"] if isinstance(it, dict) else str(it) for it in detail] or [""]
    return [str(detail)]


def lint(path):
    with open(path, encoding="utf-8") as file:
        policies = json.load(file)
    found = []
    for name, policy in policies.items():
        for finding in analyze_policy_string(json.dumps(policy)).findings:
            for action in actions(finding.detail):
                if (finding.issue, action) not in ANSWERED:
                    found.append({"check": "parliament", "problem": f"{name}: {finding.issue} {action}"})
    return found


if __name__ == "__main__":
    print(json.dumps({path: lint(path) for path in sys.argv[1:]}))
