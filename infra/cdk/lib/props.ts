/** The properties of a pipeline, and the template's parameters that they become. */
import { Duration, Fn } from 'aws-cdk-lib';
import type { ITable } from 'aws-cdk-lib/aws-dynamodb';
import type { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import type { IManagedPolicy, IRole, IUser } from 'aws-cdk-lib/aws-iam';
import type { IKey } from 'aws-cdk-lib/aws-kms';
import type { Architecture, IFunction } from 'aws-cdk-lib/aws-lambda';
import type { RetentionDays } from 'aws-cdk-lib/aws-logs';
import type { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import type { IBucket, StorageClass } from 'aws-cdk-lib/aws-s3';
import type { ISecret } from 'aws-cdk-lib/aws-secretsmanager';
import type { Parameters } from './template';

/** A role or user, or the ARN of one; `*` in an ARN stands for anything. */
export type Person = IRole | IUser | string;

/** When a pipeline is retrained, and what its alarms watch. */
export interface RetrainScheduleProps {
  /** When to retrain. @default every night at 3, UTC */
  readonly expression?: ScheduleExpression;
  /** How much later a run may start. */
  readonly window?: Duration;
  /** Before this it starts no run. EventBridge Scheduler refuses a time that has passed. @default it begins at once */
  readonly start?: Date;
  /** After this it starts no run. @default it has no end */
  readonly end?: Date;
  /** Whether the schedule starts runs. Enable it after a first run by hand. @default false */
  readonly enabled?: boolean;
  /** Age of a model that still serves which raises an alarm. @default 30 days */
  readonly maxModelAge?: Duration;
  /** Time without a successful run which raises an alarm, if the schedule is enabled. @default 2 days */
  readonly maxTimeWithoutRun?: Duration;
}

/** What the stream of events takes. Its objects lie below `events/` of the lake. */
export interface EventsProps {
  /** The pipeline that is trained on the events. @default default */
  readonly pipeline?: string;
  /** Attributes that each event must have, as paths such as `context.device`. @default none */
  readonly required?: readonly string[];
  /** Conditions that hold for the events that are kept, as in `dataset.where`. @default all are kept */
  readonly where?: readonly Readonly<Record<string, unknown>>[];
}

/** How long the lake keeps objects; `Duration.days(0)` keeps them for ever. */
export interface LakeLifecycle {
  /** Age at which exports are removed. From 90 days on they move to Standard-IA after 30. @default 180 days */
  readonly rawExpiry?: Duration;
  /** Age at which models and their datasets are removed. @default never */
  readonly modelExpiry?: Duration;
  /** Age at which batch predictions are removed. @default never */
  readonly predictionsExpiry?: Duration;
  /** Age at which captured requests and answers of endpoints are removed. @default 90 days */
  readonly capturedExpiry?: Duration;
  /** Age at which events, and what was refused of them, are removed. @default 180 days */
  readonly eventsExpiry?: Duration;
  /** Age at which images of at least 128 KB move to `imagesColdClass`. @default never */
  readonly imagesCold?: Duration;
  /** Where they move to; images can still be read at once. @default StorageClass.GLACIER_INSTANT_RETRIEVAL */
  readonly imagesColdClass?: StorageClass;
  /** Age at which images are removed. @default never */
  readonly imagesExpiry?: Duration;
  /** How long removed or replaced objects can be restored. @default 30 days */
  readonly noncurrentVersions?: Duration;
}

/** How items of a table are scored as they change. */
export interface ScoreChangesProps {
  /** The table whose items are scored. It has a stream with new images. */
  readonly table: ITable;
  /** The table that the scores are written to, or its name: another one with the same key attributes. */
  readonly scores: ITable | string;
  /** The pipeline whose model in service scores. @default default */
  readonly pipeline?: string;
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
  /**
   * The ARN of the stream of the table, with new and old images, whose changes are captured as they happen.
   * @default no changes are captured
   */
  readonly changeStreamArn?: string;
  /** Batches of each shard of the stream that are captured at once. @default 1 */
  readonly changeStreamParallelism?: number;
  /** The login of the relational database that pipelines may read. @default there is none */
  readonly sourceSecret?: ISecret;
  /** Buckets with images that pipelines may read, beside `images/` in the lake. @default there are none */
  readonly imageBuckets?: readonly IBucket[];
  /** A bucket with files that pipelines may read, such as old exports of tables. @default there is none */
  readonly filesBucket?: IBucket;
  /** What the keys of these files begin with. @default all of the bucket may be read */
  readonly filesPrefix?: string;
  /** Buckets, other than the lake, whose objects a definition may wait for. @default there are none */
  readonly readyBuckets?: readonly IBucket[];
  /** Functions that a definition may ask whether a run may begin. @default there are none */
  readonly readyFunctions?: readonly IFunction[];
  /** A Firehose stream that collects events; those who put them: `grantPutEvents`. @default there is none */
  readonly events?: EventsProps;
  /** Scores items as they change. @default nothing is scored by itself */
  readonly scoreChanges?: ScoreChangesProps;
  /** Who may read and write the lake. Everybody else but the pipeline is denied. */
  readonly administrators: readonly Person[];
  /** Who may read the lake, as far as their own policies allow it; see also `grantRead`. */
  readonly readers?: readonly Person[];
  /** Who may create images below `images/` of the lake, and nothing else. @default nobody */
  readonly uploaders?: readonly Person[];
  /** Who may read `images/` and `index/` of the lake, and nothing else. @default nobody */
  readonly imageReaders?: readonly Person[];
  /** The key of the lake. @default the pipeline makes one of its own */
  readonly lakeKey?: IKey;
  /** How long the lake keeps what. */
  readonly lifecycle?: LakeLifecycle;
  /**
   * Sections of the definition that the input of an execution may override. Anyone who may start runs chooses the
   * image and the role if `training` is among them. @default all
   */
  readonly inputMayOverride?: readonly string[];
  /** Path of the stack's roles and policies. @default / */
  readonly rolePath?: string;
  /** The policy that bounds the permissions of every role of the stack. @default none */
  readonly permissionsBoundary?: IManagedPolicy;
  /** The pipeline that `schedule` starts. @default default */
  readonly pipeline?: string;
  /** When that pipeline is retrained. Others: `pipeline.schedule(…)`. */
  readonly schedule?: RetrainScheduleProps;
  /** Address for notices of failed runs and alarms. Others can subscribe to `pipeline.notices`. */
  readonly alarmEmail?: string;
  /** The processor that the functions were built for. @default arm64 */
  readonly architecture?: Architecture;
  /** Children of each Distributed Map at once: executions of `export-segment`, and of `merge-to-csv`. @default 40 */
  readonly mapConcurrency?: number;
  /** Whether so many executions are reserved for each function of a Distributed Map. @default false */
  readonly reserveConcurrency?: boolean;
  /** How long logs are kept. @default 30 days */
  readonly logRetention?: RetentionDays;
  /** A VPC for the functions. S3, DynamoDB, SageMaker and Step Functions must be reachable from there. */
  readonly vpc?: IVpc;
  /** Which of its subnets. @default private ones with egress */
  readonly vpcSubnets?: SubnetSelection;
  /** Whether definitions may put jobs and endpoints into a VPC, by `training.vpc`. @default false */
  readonly jobsInVpc?: boolean;
  /**
   * Whether training jobs may read `images/` of the lake and `imageBuckets`, as those do whose `dataset.format` is
   * `augmentedManifest`. @default false
   */
  readonly jobsReadImages?: boolean;
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

/** The ARN of a table's stream, without which nothing can be scored. */
function streamOf(table: ITable): string {
  if (table.tableStreamArn === undefined) {
    throw new Error(`${table.node.path} has no stream: give it one with the view type NEW_IMAGE or NEW_AND_OLD_IMAGES`);
  }
  return table.tableStreamArn;
}

/** The ARNs of some people, as a parameter has them. */
function people(some: readonly Person[] = []): string | undefined {
  return some.length > 0 ? Fn.join(',', some.map(arnOf)) : undefined;
}

/** The template's parameters that the properties stand for, apart from who may use the lake. */
export function parametersOf(props: RetrainPipelineProps, groups: readonly ISecurityGroup[]): Parameters {
  const table = typeof props.table === 'string' ? undefined : props.table;
  const imageBuckets = props.imageBuckets ?? [];
  const imageKeys = imageBuckets.flatMap((it) => it.encryptionKey?.keyArn ?? []);
  const readyBuckets = props.readyBuckets ?? [];
  const readyFunctions = props.readyFunctions ?? [];
  const scores = props.scoreChanges?.scores;
  const days = (duration?: Duration) => duration?.toDays();
  const subnets = props.vpc?.selectSubnets(props.vpcSubnets).subnetIds;
  return given({
    TableName: table?.tableName ?? (props.table as string),
    TableKeyArn: (props.tableKey ?? table?.encryptionKey)?.keyArn,
    ChangeStreamArn: props.changeStreamArn,
    ChangeStreamParallelism: props.changeStreamParallelism,
    SourceSecretArn: props.sourceSecret?.secretArn,
    ImageBucketArns: imageBuckets.length > 0 ? Fn.join(',', imageBuckets.map((it) => it.bucketArn)) : undefined,
    ImageKeyArns: imageKeys.length > 0 ? Fn.join(',', imageKeys) : undefined,
    FilesBucket: props.filesBucket?.bucketName,
    FilesPrefix: props.filesPrefix,
    FilesKeyArn: props.filesBucket?.encryptionKey?.keyArn,
    ReadyBucketArns: readyBuckets.length > 0 ? Fn.join(',', readyBuckets.map((it) => it.bucketArn)) : undefined,
    ReadyFunctionArns: readyFunctions.length > 0 ? Fn.join(',', readyFunctions.map((it) => it.functionArn)) : undefined,
    EventsState: props.events && 'ENABLED',
    EventsPipeline: props.events?.pipeline,
    EventsRequired: props.events?.required && (props.events.required.join(',') || 'none'),
    EventsWhere: props.events?.where && JSON.stringify(props.events.where),
    ScoreStreamArn: props.scoreChanges && streamOf(props.scoreChanges.table),
    ScorePipeline: props.scoreChanges?.pipeline,
    ScoresTable: typeof scores === 'string' ? scores : scores?.tableName,
    LakeUploaders: people(props.uploaders),
    ImageReaders: people(props.imageReaders),
    LakeKeyArn: props.lakeKey?.keyArn,
    InputMayOverride: props.inputMayOverride && (props.inputMayOverride.join(',') || 'none'),
    RolePath: props.rolePath,
    PermissionsBoundaryArn: props.permissionsBoundary?.managedPolicyArn,
    RawExpiryDays: days(props.lifecycle?.rawExpiry),
    ModelExpiryDays: days(props.lifecycle?.modelExpiry),
    PredictionsExpiryDays: days(props.lifecycle?.predictionsExpiry),
    CapturedExpiryDays: days(props.lifecycle?.capturedExpiry),
    EventsExpiryDays: days(props.lifecycle?.eventsExpiry),
    ImagesColdClass: props.lifecycle?.imagesColdClass?.value,
    ImagesColdDays: days(props.lifecycle?.imagesCold),
    ImagesExpiryDays: days(props.lifecycle?.imagesExpiry),
    NoncurrentVersionDays: days(props.lifecycle?.noncurrentVersions),
    ...scheduleParametersOf(props.schedule ?? {}),
    ScheduledPipeline: props.pipeline,
    AlarmEmail: props.alarmEmail,
    Architecture: props.architecture?.name,
    MapConcurrency: props.mapConcurrency,
    ReserveConcurrency: props.reserveConcurrency === undefined ? undefined : props.reserveConcurrency ? 'yes' : 'no',
    LogRetentionDays: props.logRetention,
    SubnetIds: subnets && Fn.join(',', subnets),
    JobsInVpc: props.jobsInVpc === undefined ? undefined : props.jobsInVpc ? 'yes' : 'no',
    JobsReadImages: props.jobsReadImages === undefined ? undefined : props.jobsReadImages ? 'yes' : 'no',
    SecurityGroupIds: groups.length > 0 ? Fn.join(',', groups.map((it) => it.securityGroupId)) : undefined,
  });
}

/** The parameters of a schedule. */
export function scheduleParametersOf(props: RetrainScheduleProps): Parameters {
  return given({
    Schedule: props.expression?.expressionString,
    ScheduleTimezone: props.expression?.timeZone?.timezoneName,
    ScheduleWindowMinutes: props.window?.toMinutes(),
    ScheduleStart: props.start?.toISOString(),
    ScheduleEnd: props.end?.toISOString(),
    ScheduleState: props.enabled === undefined ? undefined : props.enabled ? 'ENABLED' : 'DISABLED',
    MaxModelAgeDays: props.maxModelAge?.toDays(),
    MaxDaysWithoutRun: props.maxTimeWithoutRun?.toDays(),
  });
}

function given(all: Record<string, string | number | undefined>): Parameters {
  const said = Object.entries(all).filter(([, value]) => value !== undefined);
  return Object.fromEntries(said) as Parameters;
}
