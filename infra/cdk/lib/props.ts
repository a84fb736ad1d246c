/** What a pipeline may be told, and the template's parameters that this becomes. */
import { Duration, Fn } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IRole, IUser } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Architecture } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import type { Parameters } from './template';

/** A role or user, or the ARN of one; `*` in an ARN stands for anything. */
export type Person = IRole | IUser | string;

/** When a pipeline is retrained, and when somebody is told that it was not. */
export interface RetrainScheduleProps {
  /** When to retrain. @default every night at 3, UTC */
  readonly expression?: ScheduleExpression;
  /** How much later a run may start. */
  readonly window?: Duration;
  /** Whether it fires. Enable it after a first run by hand. @default false */
  readonly enabled?: boolean;
  /** When a model that still serves is too old. @default 30 days */
  readonly maxModelAge?: Duration;
  /** How long no run may end well before an alarm is raised, if it is enabled. @default 2 days */
  readonly maxTimeWithoutRun?: Duration;
}

/** How long the lake keeps what; `Duration.days(0)` stands for never moving, and for keeping for ever. */
export interface LakeLifecycle {
  /** Exports move to Standard-IA. @default 30 days */
  readonly rawInfrequentAccess?: Duration;
  /** Exports are removed. @default 180 days */
  readonly rawExpiry?: Duration;
  /** Datasets are removed. @default never */
  readonly processedExpiry?: Duration;
  /** Models are removed. @default never */
  readonly modelsExpiry?: Duration;
  /** What models have scored in one go is removed. @default never */
  readonly predictionsExpiry?: Duration;
  /** What endpoints were asked and answered is removed. @default 90 days */
  readonly capturedExpiry?: Duration;
  /** What was removed or replaced is gone for good. @default 30 days */
  readonly noncurrentVersions?: Duration;
  /** Uploads that nobody finished are removed. @default 2 days */
  readonly incompleteUploads?: Duration;
}

/** A pipeline's properties. What is left out is as by default in the SAM template. */
export interface RetrainPipelineProps {
  /**
   * The folder of the built functions, each as `<name>/bootstrap.zip`: what
   * `cargo lambda build --release --arm64 --output-format zip` leaves in `target/lambda`.
   */
  readonly functions: string;
  /** The table to learn from, or its name; `*` in a name allows several. */
  readonly table: ITable | string;
  /** The key of the table, if it is one of yours. @default that of the table, if it is a construct */
  readonly tableKey?: IKey;
  /** Who may read and write the lake. Everybody else but the pipeline is denied. */
  readonly administrators: readonly Person[];
  /** Who may read the lake, as far as their own policies allow it; see also `grantRead`. */
  readonly readers?: readonly Person[];
  /** The key of the lake. @default the pipeline makes one of its own */
  readonly lakeKey?: IKey;
  /** How long the lake keeps what. */
  readonly lifecycle?: LakeLifecycle;
  /** What the stack is for, such as `test` or `prod`: part of every name. @default prod */
  readonly stage?: string;
  /** The pipeline that `schedule` starts. @default default */
  readonly pipeline?: string;
  /** When that pipeline is retrained. Others: `pipeline.schedule(…)`. */
  readonly schedule?: RetrainScheduleProps;
  /** An address that failed runs and alarms are sent to. More can subscribe to `pipeline.notices`. */
  readonly alarmEmail?: string;
  /** The endpoint that the alarms watch. @default default */
  readonly endpointName?: string;
  /** The 90th percentile of the model's latency above which an update is taken back. @default 1 second */
  readonly endpointLatency?: Duration;
  /** The processor that the functions were built for. @default arm64 */
  readonly architecture?: Architecture;
  /** Executions reserved for `export-segment`, and as many for `merge-to-csv`: their cap. */
  readonly reservedConcurrency?: number;
  /** How long logs are kept. @default 30 days */
  readonly logRetention?: RetentionDays;
  /** A VPC for the functions. S3, DynamoDB, SageMaker and Step Functions must be reachable from there. */
  readonly vpc?: IVpc;
  /** Which of its subnets. @default private ones with egress */
  readonly vpcSubnets?: SubnetSelection;
  /** Whether definitions may put jobs and endpoints into a VPC, by `training.vpc`. @default false */
  readonly jobsInVpc?: boolean;
  /** The functions' security groups in the VPC. @default a new one that lets everything out */
  readonly securityGroups?: readonly ISecurityGroup[];
}

/** The ARN of a role or user. */
export function arnOf(person: Person): string {
  if (typeof person === 'string') {
    return person;
  }
  return 'roleArn' in person ? person.roleArn : person.userArn;
}

/** The template's parameters that the properties stand for, apart from who may use the lake. */
export function parametersOf(props: RetrainPipelineProps, groups: readonly ISecurityGroup[]): Parameters {
  const table = typeof props.table === 'string' ? undefined : props.table;
  const days = (duration?: Duration) => duration?.toDays();
  const subnets = props.vpc?.selectSubnets(props.vpcSubnets).subnetIds;
  return given({
    Stage: props.stage,
    TableName: table?.tableName ?? (props.table as string),
    TableKeyArn: (props.tableKey ?? table?.encryptionKey)?.keyArn,
    LakeKeyArn: props.lakeKey?.keyArn,
    RawInfrequentAccessDays: days(props.lifecycle?.rawInfrequentAccess),
    RawExpiryDays: days(props.lifecycle?.rawExpiry),
    ProcessedExpiryDays: days(props.lifecycle?.processedExpiry),
    ModelsExpiryDays: days(props.lifecycle?.modelsExpiry),
    PredictionsExpiryDays: days(props.lifecycle?.predictionsExpiry),
    CapturedExpiryDays: days(props.lifecycle?.capturedExpiry),
    NoncurrentVersionDays: days(props.lifecycle?.noncurrentVersions),
    IncompleteUploadDays: days(props.lifecycle?.incompleteUploads),
    ...scheduleParametersOf(props.schedule ?? {}),
    ScheduledPipeline: props.pipeline,
    AlarmEmail: props.alarmEmail,
    EndpointName: props.endpointName,
    EndpointLatencyMicroseconds: props.endpointLatency && props.endpointLatency.toMilliseconds() * 1000,
    Architecture: props.architecture?.name,
    ReservedConcurrency: props.reservedConcurrency,
    LogRetentionDays: props.logRetention,
    SubnetIds: subnets && Fn.join(',', subnets),
    JobsInVpc: props.jobsInVpc === undefined ? undefined : props.jobsInVpc ? 'yes' : 'no',
    SecurityGroupIds: groups.length > 0 ? Fn.join(',', groups.map((it) => it.securityGroupId)) : undefined,
  });
}

/** The parameters of a schedule. */
export function scheduleParametersOf(props: RetrainScheduleProps): Parameters {
  return given({
    Schedule: props.expression?.expressionString,
    ScheduleTimezone: props.expression?.timeZone?.timezoneName,
    ScheduleWindowMinutes: props.window?.toMinutes(),
    ScheduleState: props.enabled === undefined ? undefined : props.enabled ? 'ENABLED' : 'DISABLED',
    MaxModelAgeDays: props.maxModelAge?.toDays(),
    MaxDaysWithoutRun: props.maxTimeWithoutRun?.toDays(),
  });
}

function given(all: Record<string, string | number | undefined>): Parameters {
  const said = Object.entries(all).filter(([, value]) => value !== undefined);
  return Object.fromEntries(said) as Parameters;
}
