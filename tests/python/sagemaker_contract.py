"""Checks sagemaker-local and its callers against botocore's models of the real services.

sagemaker_contract.py check RECORD...      every recorded request is valid, every recorded answer is parsed whole
sagemaker_contract.py call URL BUCKET      boto3 makes every call and reads every answer
"""

import json
import re
import sys
import time

import boto3
import botocore.loaders
import botocore.model
import botocore.parsers
import botocore.validate
from botocore.config import Config
from botocore.exceptions import ClientError

LOADER = botocore.loaders.Loader()


def model(service):
    return botocore.model.ServiceModel(LOADER.load_service_model(service, "service-2"), service)


SAGEMAKER = model("sagemaker")
SCALING = model("application-autoscaling")
ALARMS = model("cloudwatch")
LOGS = model("logs")


def operation(name):
    for service in (SAGEMAKER, SCALING, ALARMS, LOGS):
        if name in service.operation_names:
            return service.operation_model(name)
    return None


def pattern(text):
    """The service's pattern, in Java's words, in Python's; None where Python has no word for it."""
    try:
        return re.compile(text.replace(r"\p{L}", r"\w").replace(r"\p{N}", r"\d").replace(r"\p{Z}", r"\s"))
    except re.error:
        return None


def walk(value, shape, path, is_request):
    """What ParamValidator leaves to the service: enum, pattern, upper bounds, members that do not exist."""
    meta = shape.metadata
    if shape.type_name == "structure":
        if not isinstance(value, dict):
            return [f"{path}: no structure"]
        found = [f"{path}.{name}: is no member" for name in value if name not in shape.members]
        found += [f"{path}.{name}: is required" for name in shape.required_members if value.get(name) is None]
        for name, member in shape.members.items():
            if value.get(name) is not None:
                found += walk(value[name], member, f"{path}.{name}", is_request)
        return found
    if shape.type_name == "list":
        found = [f"{path}: {len(value)} elements"] if not meta.get("min", 0) <= len(value) <= meta.get("max", 1e9) else []
        for index, element in enumerate(value):
            found += walk(element, shape.member, f"{path}[{index}]", is_request)
        return found
    if shape.type_name == "map":
        found = [f"{path}: {len(value)} entries"] if len(value) > meta.get("max", 1e9) else []
        for name, element in value.items():
            found += walk(name, shape.key, f"{path} key", is_request) + walk(element, shape.value, f"{path}.{name}", is_request)
        return found
    found = []
    if shape.type_name == "string":
        if not isinstance(value, str):
            return [f"{path}: {value!r} is no text"]
        if "enum" in meta and value not in meta["enum"]:
            found.append(f"{path}: {value!r} is none of {meta['enum'][:5]}…")
        if is_request and not meta.get("min", 0) <= len(value) <= meta.get("max", 1e9):
            found.append(f"{path}: {len(value)} characters")
        expected = pattern(meta["pattern"]) if is_request and "pattern" in meta else None
        if expected and not expected.fullmatch(value):
            found.append(f"{path}: {value!r} is not of {meta['pattern']}")
    elif shape.type_name in ("integer", "long", "float", "double"):
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            return [f"{path}: {value!r} is no number"]
        if is_request and not meta.get("min", -1e18) <= value <= meta.get("max", 1e18):
            found.append(f"{path}: {value} is out of bounds")
    elif shape.type_name == "boolean" and not isinstance(value, bool):
        found.append(f"{path}: {value!r} is no boolean")
    elif shape.type_name == "timestamp" and not isinstance(value, (int, float)):
        found.append(f"{path}: {value!r} is no timestamp")
    return found


def problems(call):
    """What is wrong with one recorded call. A request that was refused needs not be right."""
    described = operation(call["operation"])
    if described is None:
        return [] if "error" in call else ["there is no such operation"]
    found = []
    if "error" not in call:
        # Timestamps are numbers in JSON; ParamValidator takes those too.
        report = botocore.validate.ParamValidator().validate(call["request"], described.input_shape)
        found += [report.generate_report()] if report.has_errors() else []
        found += walk(call["request"], described.input_shape, "request", True)
        shape = described.output_shape
        if shape is not None:
            body = json.dumps(call["response"]).encode()
            answer = {"status_code": 200, "headers": {}, "body": body}
            botocore.parsers.create_parser("json").parse(answer, shape)
            found += walk(call["response"], shape, "response", False)
    return found


def check(paths):
    wrong, operations = {}, {}
    for path in paths:
        with open(path, encoding="utf-8") as file:
            for line in file:
                call = json.loads(line)
                operations[call["operation"]] = operations.get(call["operation"], 0) + 1
                for problem in problems(call):
                    wrong[f"{call['operation']}: {problem}"] = line.strip()[:300]
    for name, count in sorted(operations.items()):
        print(f"{count:>6} {name}")
    for problem, example in wrong.items():
        print(f"WRONG {problem}\n      {example}")
    return 1 if wrong or not operations else 0


def until(ask, is_so):
    for _ in range(1200):
        answer = ask()
        if is_so(answer):
            return answer
        time.sleep(0.1)
    sys.exit(f"did not come about: {answer}")


def training(bucket):
    return {
        "AlgorithmSpecification": {
            "TrainingImage": "program:local",
            "TrainingInputMode": "File",
            "MetricDefinitions": [{"Name": "rmse", "Regex": "rmse=([0-9.]+);"}],
        },
        "RoleArn": ROLE,
        "InputDataConfig": [
            {
                "ChannelName": "train",
                "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/data/"}},
            }
        ],
        "OutputDataConfig": {"S3OutputPath": f"s3://{bucket}/models"},
        "ResourceConfig": {"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeSizeInGB": 1},
        "StoppingCondition": {"MaxRuntimeInSeconds": 600},
    }


ROLE = "arn:aws:iam::000000000000:role/sagemaker"
TAGS = [{"Key": "team", "Value": "a"}]


def client(service, url):
    keys = {"aws_access_key_id": "any", "aws_secret_access_key": "any"}
    config = Config(retries={"max_attempts": 0})
    return boto3.client(service, endpoint_url=url, region_name="us-east-1", config=config, **keys)


def jobs(sagemaker, bucket):
    sagemaker.create_training_job(TrainingJobName="job", HyperParameters={"a": "1"}, Tags=TAGS, **training(bucket))
    ended = ("Completed", "Failed", "Stopped")
    job = until(lambda: sagemaker.describe_training_job(TrainingJobName="job"), lambda it: it["TrainingJobStatus"] in ended)
    assert job["TrainingJobStatus"] == "Completed", job
    assert job["FinalMetricDataList"][0]["Value"] == 0.5 and job["CreationTime"].year > 2020
    assert [it["TrainingJobName"] for it in sagemaker.list_training_jobs()["TrainingJobSummaries"]] == ["job"]
    try:
        sagemaker.stop_training_job(TrainingJobName="job")
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ValidationException", error.response
    definition = training(bucket) | {"StaticHyperParameters": {"a": "1"}}
    sagemaker.create_hyper_parameter_tuning_job(
        HyperParameterTuningJobName="tune",
        HyperParameterTuningJobConfig={
            "Strategy": "Random",
            "HyperParameterTuningJobObjective": {"Type": "Minimize", "MetricName": "rmse"},
            "ResourceLimits": {"MaxNumberOfTrainingJobs": 2, "MaxParallelTrainingJobs": 2},
            "ParameterRanges": {"IntegerParameterRanges": [{"Name": "b", "MinValue": "1", "MaxValue": "9"}]},
        },
        TrainingJobDefinition=definition,
    )
    describe = lambda: sagemaker.describe_hyper_parameter_tuning_job(HyperParameterTuningJobName="tune")
    tuned = until(describe, lambda it: it["HyperParameterTuningJobStatus"] in ended)
    assert tuned["BestTrainingJob"]["FinalHyperParameterTuningJobObjectiveMetric"]["Value"] == 0.5, tuned
    children = sagemaker.list_training_jobs_for_hyper_parameter_tuning_job(HyperParameterTuningJobName="tune")
    assert len(children["TrainingJobSummaries"]) == 2
    sagemaker.list_hyper_parameter_tuning_jobs()
    return job


def registry(sagemaker):
    sagemaker.create_model_package_group(ModelPackageGroupName="films", ModelPackageGroupDescription="films", Tags=TAGS)
    package = sagemaker.create_model_package(
        ModelPackageGroupName="films",
        ModelApprovalStatus="PendingManualApproval",
        InferenceSpecification={"Containers": [{"Image": "program:local"}], "SupportedContentTypes": ["text/csv"]},
        CustomerMetadataProperties={"rmse": "0.5"},
    )["ModelPackageArn"]
    sagemaker.update_model_package(ModelPackageArn=package, ModelApprovalStatus="Approved")
    assert sagemaker.describe_model_package(ModelPackageName=package)["ModelApprovalStatus"] == "Approved"
    assert sagemaker.list_model_packages(ModelPackageGroupName="films")["ModelPackageSummaryList"][0]["ModelPackageVersion"] == 1
    sagemaker.list_model_package_groups()
    sagemaker.delete_model_package(ModelPackageName=package)
    sagemaker.describe_model_package_group(ModelPackageGroupName="films")
    sagemaker.delete_model_package_group(ModelPackageGroupName="films")


def endpoint(sagemaker, runtime, scaling, job, bucket):
    container = {"Image": "program:local", "ModelDataUrl": job["ModelArtifacts"]["S3ModelArtifacts"]}
    sagemaker.create_model(ModelName="model", ExecutionRoleArn=ROLE, PrimaryContainer=container, Tags=TAGS)
    sagemaker.describe_model(ModelName="model")
    variant = {"VariantName": "AllTraffic", "ModelName": "model", "InstanceType": "ml.m5.large", "InitialInstanceCount": 2}
    capture = {
        "EnableCapture": True, "InitialSamplingPercentage": 100, "DestinationS3Uri": f"s3://{bucket}/captured",
        "CaptureOptions": [{"CaptureMode": "Input"}, {"CaptureMode": "Output"}],
    }
    for name in ("one", "two"):
        sagemaker.create_endpoint_config(EndpointConfigName=name, ProductionVariants=[variant], DataCaptureConfig=capture)
    sagemaker.describe_endpoint_config(EndpointConfigName="one")
    sagemaker.create_endpoint(EndpointName="e", EndpointConfigName="one", Tags=TAGS)
    describe = lambda: sagemaker.describe_endpoint(EndpointName="e")
    until(describe, lambda it: it["EndpointStatus"] == "InService")
    answer = runtime.invoke_endpoint(EndpointName="e", ContentType="text/csv", Body=b"1,2\n3,4\n")
    assert answer["Body"].read() == b"0.5\n0.5\n"
    target = {
        "ServiceNamespace": "sagemaker", "ResourceId": "endpoint/e/variant/AllTraffic",
        "ScalableDimension": "sagemaker:variant:DesiredInstanceCount",
    }
    scaling.register_scalable_target(MinCapacity=3, MaxCapacity=4, **target)
    tracking = {
        "TargetValue": 70.0,
        "PredefinedMetricSpecification": {"PredefinedMetricType": "SageMakerVariantInvocationsPerInstance"},
    }
    scaling.put_scaling_policy(
        PolicyName="track", PolicyType="TargetTrackingScaling", TargetTrackingScalingPolicyConfiguration=tracking, **target
    )
    assert scaling.describe_scalable_targets(ServiceNamespace="sagemaker")["ScalableTargets"][0]["MaxCapacity"] == 4
    assert len(scaling.describe_scaling_policies(ServiceNamespace="sagemaker")["ScalingPolicies"]) == 1
    canary = {
        "Type": "CANARY", "WaitIntervalInSeconds": 1, "CanarySize": {"Type": "CAPACITY_PERCENT", "Value": 25},
    }
    deployment = {
        "BlueGreenUpdatePolicy": {"TrafficRoutingConfiguration": canary, "TerminationWaitInSeconds": 0},
        "AutoRollbackConfiguration": {"Alarms": [{"AlarmName": "errors"}]},
    }
    sagemaker.update_endpoint(
        EndpointName="e", EndpointConfigName="two", RetainAllVariantProperties=True, DeploymentConfig=deployment
    )
    assert describe()["EndpointStatus"] == "Updating"
    updated = until(describe, lambda it: it["EndpointStatus"] == "InService")
    assert updated["EndpointConfigName"] == "two" and updated["ProductionVariants"][0]["CurrentInstanceCount"] == 3
    scaling.delete_scaling_policy(PolicyName="track", **target)
    scaling.deregister_scalable_target(**target)
    arn = updated["EndpointArn"]
    sagemaker.add_tags(ResourceArn=arn, Tags=[{"Key": "more", "Value": "b"}])
    sagemaker.delete_tags(ResourceArn=arn, TagKeys=["team"])
    assert sagemaker.list_tags(ResourceArn=arn)["Tags"] == [{"Key": "more", "Value": "b"}]
    # As deploy-endpoint asks.
    sagemaker.create_transform_job(
        TransformJobName="transform",
        ModelName="model",
        BatchStrategy="MultiRecord",
        MaxPayloadInMB=8,
        TransformInput={
            "DataSource": {"S3DataSource": {"S3DataType": "S3Prefix", "S3Uri": f"s3://{bucket}/data/"}},
            "ContentType": "text/csv", "SplitType": "Line",
        },
        DataProcessing={"InputFilter": "$[1:]"},
        TransformOutput={
            "S3OutputPath": f"s3://{bucket}/answers", "Accept": "text/csv", "AssembleWith": "Line",
            "KmsKeyId": "alias/output",
        },
        TransformResources={"InstanceType": "ml.m5.large", "InstanceCount": 1, "VolumeKmsKeyId": "alias/volumes"},
        Tags=[{"Key": "team", "Value": "a"}],
    )
    transform = lambda: sagemaker.describe_transform_job(TransformJobName="transform")
    ended = until(transform, lambda it: it["TransformJobStatus"] not in ("InProgress", "Stopping"))
    assert ended["TransformJobStatus"] == "Completed", ended
    sagemaker.list_transform_jobs()
    for listed in (sagemaker.list_models, sagemaker.list_endpoint_configs, sagemaker.list_endpoints):
        listed()
    sagemaker.delete_endpoint(EndpointName="e")
    for name in ("one", "two"):
        sagemaker.delete_endpoint_config(EndpointConfigName=name)
    sagemaker.delete_model(ModelName="model")


def call(url, bucket):
    sagemaker, runtime = client("sagemaker", url), client("sagemaker-runtime", url)
    job = jobs(sagemaker, bucket)
    registry(sagemaker)
    endpoint(sagemaker, runtime, client("application-autoscaling", url), job, bucket)
    return 0


if __name__ == "__main__":
    sys.exit(check(sys.argv[2:]) if sys.argv[1] == "check" else call(*sys.argv[2:]))
