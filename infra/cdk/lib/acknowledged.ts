/**
 * What cdk-nag's packs AwsSolutions and Serverless find in the pipeline, with the reason why it stays so. Each
 * wildcard is named: another one is found.
 */
import { Stack, Validations } from 'aws-cdk-lib';
import type { IConstruct } from 'constructs';

/** The findings of one reason, and the resources that they are about; all, if none is named. */
interface Reason {
  readonly why: string;
  readonly findings: readonly string[];
  readonly resources?: readonly string[];
}

const wildcard = (resource: string) => `AwsSolutions-IAM5[Resource::${resource}]`;
const tier = (name: string) => wildcard(`<LakeBucket.Arn>/${name}/*`);
const here = (service: string, rest: string) =>
  wildcard(`arn:<AWS::Partition>:${service}:<AWS::Region>:<AWS::AccountId>:${rest}`);

function reasons(table: string, events: string, machine: string): readonly Reason[] {
  return [
    {
      why: 'The keys below a tier are made by the runs. ACCESS.md is the table of who may use which tier.',
      findings: [
        'aws/lambda', 'captured', 'champion', 'changes', 'config', 'current', 'events', 'events-index', 'images', 'index', 'judging', 'latest', 'models', 'predictions',
        'processed', 'queries', 'raw', 'reports', 'scoring',
      ].map(tier),
    },
    {
      why: 'Each run has a list of its parts.',
      findings: [tier('raw/*/lines')],
      resources: ['PlanDatasetRole'],
    },
    {
      why: 'Each incremental run has one record of what its items are a state of, and one of why it is not.',
      findings: ['snapshot', 'whole-export'].map((name) => wildcard(`<LakeBucket.Arn>/raw/*/${name}.json`)),
      resources: ['PlanDatasetRole'],
    },
    {
      why: 'The tables of this database.',
      findings: [here('glue', 'table/<LakeDatabase>/*')],
      resources: ['QueryPolicy'],
    },
    {
      why: 'The indexes and exports of this table, the executions of this state machine.',
      findings: [
        here('dynamodb', `table/${table}/index/*`),
        here('dynamodb', `table/${table}/export/*`),
        here('states', `execution:${machine}:*`),
        here('states', `execution:${machine}/*`),
        here('states', `mapRun:${machine}/*`),
      ],
    },
    {
      why: 'Definitions name jobs, models, endpoints, what scales them, and alarms, after the stack was deployed.',
      findings: [
        ...[
          'training-job', 'hyper-parameter-tuning-job', 'model-package', 'model-package-group', 'model',
          'endpoint-config', 'endpoint', 'transform-job',
        ].map((kind) => here('sagemaker', `${kind}/*`)),
        here('cloudwatch', 'alarm:*'),
        here('cloudwatch', 'alarm:<AWS::StackName>/*'),
        here('cloudwatch', 'alarm:TargetTracking-endpoint/*'),
        here('application-autoscaling', 'scalable-target/*'),
      ],
      resources: ['StartTrainingRole', 'JudgeModelRole', 'DeployEndpointRole', 'ScoreChangesRole'],
    },
    {
      why: 'Definitions name the alarms that a plan looks at, after the stack was deployed.',
      findings: [here('cloudwatch', 'alarm:*')],
      resources: ['PlanExportRole'],
    },
    {
      why: 'A definition names the image that is registered, in whatever registry.',
      findings: [wildcard('arn:<AWS::Partition>:ecr:*:*:repository/*')],
      resources: ['JudgeModelRole'],
    },
    {
      why: 'A definition names the training image, and SageMaker names the logs.',
      findings: [wildcard('arn:<AWS::Partition>:ecr:*:*:repository/*'), here('logs', 'log-group:/aws/sagemaker/*')],
      resources: ['ContainersPolicy'],
    },
    {
      why: 'The streams of the one log group that SageMaker has for training jobs are named after the jobs.',
      findings: [here('logs', 'log-group:/aws/sagemaker/TrainingJobs:*')],
      resources: ['StartTrainingRole'],
    },
    {
      why: 'The actions have no resources to name: traces, interfaces, lists, the token of a registry, log deliveries, metrics.',
      findings: [wildcard('*'), 'Serverless-LambdaStarPermissions'],
      resources: [
        'ContainersPolicy', 'FunctionsPolicy', 'QueryPolicy', 'PlanExportRole', 'RequestExportRole', 'JudgeModelRole',
        'DeployEndpointRole', 'RetrainRole', 'TransformRecordsRole',
      ],
    },
    {
      why: 'Firehose names the objects of events, and the streams of its log.',
      findings: [
        tier(`events/${events}`),
        tier(`events-failed/${events}`),
      ],
      resources: ['DeliverEventsRole'],
    },
    {
      why: 'Who reads objects is recorded by CloudTrail data events, which the account turns on; logs of the bucket would '
        + 'need a second bucket.',
      findings: ['AwsSolutions-S1'],
      resources: ['LakeBucket'],
    },
    {
      why: 'It is the queue of dead letters.',
      findings: ['AwsSolutions-SQS3', 'Serverless-SQSRedrivePolicy'],
      resources: ['Undelivered'],
    },
    {
      why: 'The state machine calls the functions and waits for their answers: there are no events to keep.',
      findings: ['Serverless-LambdaDLQ'],
    },
  ];
}

/** Acknowledges what is as it must be, of the resources that are there. */
export function acknowledge(
  pipeline: IConstruct,
  resource: (name: string) => readonly IConstruct[],
  table: string,
  events: string,
): void {
  const name: unknown = Stack.of(pipeline).resolve(table);
  // As cdk-nag shows what only CloudFormation will know.
  const shown = typeof name === 'string' ? name : `<${(name as { Ref?: string }).Ref}>`;
  for (const { why, findings, resources } of reasons(shown, events, '<AWS::StackName>-retrain')) {
    for (const scope of resources?.flatMap(resource) ?? [pipeline]) {
      Validations.of(scope).acknowledge(...findings.map((id) => ({ id, reason: why })));
    }
  }
}
