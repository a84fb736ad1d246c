/** The pipeline as a construct: the SAM template's resources, under the same names, with handles for CDK. */
import { CfnResource, Fn, Lazy, Names, Stack, Token } from 'aws-cdk-lib';
import { Alarm, CfnAlarm, type IAlarm } from 'aws-cdk-lib/aws-cloudwatch';
import { type ISecurityGroup, SecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { Grant, type IGrantable, type IRole, ManagedPolicy, Role } from 'aws-cdk-lib/aws-iam';
import { CfnKey, type IKey, Key } from 'aws-cdk-lib/aws-kms';
import { Architecture, CfnFunction, Function as LambdaFunction, type IFunction } from 'aws-cdk-lib/aws-lambda';
import { Bucket, type IBucket } from 'aws-cdk-lib/aws-s3';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { type ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { type IQueue, Queue } from 'aws-cdk-lib/aws-sqs';
import { CfnStateMachine, type IStateMachine, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import type { CfnInclude } from 'aws-cdk-lib/cloudformation-include';
import { Construct } from 'constructs';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { acknowledge } from './acknowledged';
import { PACKAGE, include } from './included';
import { type Person, type RetrainPipelineProps, type RetrainScheduleProps } from './props';
import { arnOf, parametersOf, scheduleParametersOf } from './props';
import type { Parameters } from './template';

/**
 * Exports a DynamoDB table to S3, makes it a dataset for SageMaker, trains, judges and deploys.
 * One for each stack: a second one needs a stack of its own, since its resources keep their logical IDs.
 */
export class RetrainPipeline extends Construct {
  /** The data lake. Its policy denies principals that are not named: grant with `grantRead` and `grantReadWrite`. */
  readonly bucket: IBucket;
  /** The key of the lake. */
  readonly key: IKey;
  /** The state machine. */
  readonly stateMachine: IStateMachine;
  /** What to start: the state machine as it was deployed last. */
  readonly stateMachineAliasArn: string;
  /** The functions by their names, such as `export-segment`. */
  readonly functions: Readonly<Record<string, IFunction>>;
  /** The role of training jobs; it must be able to pull the training image. */
  readonly trainingRole: IRole;
  /** The role of endpoints and transform jobs; it must be able to pull the same image. */
  readonly servingRole: IRole;
  /** Failed runs and alarms. Subscribe to it. */
  readonly notices: ITopic;
  /** Starts, notices and batches of changes that could not be delivered. */
  readonly undelivered: IQueue;
  /** The alarms by their names in the template. */
  readonly alarms: Readonly<Record<string, IAlarm>>;

  private readonly included: CfnInclude;
  private readonly administrators: string[];
  private readonly readers: string[];

  constructor(scope: Construct, id: string, props: RetrainPipelineProps) {
    super(scope, id);
    this.onlyOneOf(Stack.of(this));
    this.administrators = props.administrators.map(arnOf);
    this.readers = (props.readers ?? []).map(arnOf);
    const people = this.people();
    const { included, parameters } = include(this, 'Template', 'template.json', {
      ...parametersOf(props, this.securityGroups(props)),
      ...people.now,
    }, { preserveLogicalIds: true, later: people.later });
    this.included = included;
    const there = (name: string) => (this.has(name) ? [this.resource(name)] : []);
    acknowledge(this, there, String(parameters.TableName), String(parameters.EventsPipeline));
    this.functions = this.giveCode(props);
    this.giveDefinition();

    const arn = (name: string) => this.resource(name).getAtt('Arn').toString();
    this.key = props.lakeKey ?? Key.fromCfnKey(this.resource('LakeKey') as CfnKey);
    this.bucket = Bucket.fromBucketAttributes(this, 'Lake', {
      bucketArn: arn('LakeBucket'), bucketName: this.resource('LakeBucket').ref, encryptionKey: this.key,
    });
    this.stateMachine = StateMachine.fromStateMachineArn(this, 'Machine', this.resource('RetrainStateMachine').ref);
    this.stateMachineAliasArn = this.output('StateMachineAliasArn');
    this.trainingRole = Role.fromRoleArn(this, 'Training', arn('TrainingRole'));
    this.servingRole = Role.fromRoleArn(this, 'Serving', arn('ServingRole'));
    this.notices = Topic.fromTopicArn(this, 'Told', this.resource('Notices').ref);
    this.undelivered = Queue.fromQueueArn(this, 'Dead', arn('Undelivered'));
    this.alarms = Object.fromEntries(this.resources(CfnAlarm).map(([name, alarm]) =>
      [name, Alarm.fromAlarmArn(this, `The${name}`, alarm.attrArn)]));
  }

  /** A resource of the template, to change what no property does: `resource('Notices').addPropertyOverride(…)`. */
  resource(logicalId: string): CfnResource {
    return this.included.getResource(logicalId);
  }

  /** Lets somebody read the lake: by their own policy, and by the bucket's, which denies all others. */
  grantRead(grantee: IGrantable & Exclude<Person, string>): Grant {
    this.readers.push(arnOf(grantee));
    return this.bucket.grantRead(grantee);
  }

  /** Lets a role query the lake with Athena: read what is queried, and write results. */
  grantQuery(role: IRole): void {
    this.readers.push(arnOf(role));
    const policy = this.resource('QueryPolicy').ref;
    role.addManagedPolicy(ManagedPolicy.fromManagedPolicyArn(this, `Query-${Names.nodeUniqueId(role.node)}`, policy));
  }

  /** Lets a role put events into the stream, which the property `events` makes. */
  grantPutEvents(role: IRole): void {
    if (!this.has('PutEventsPolicy')) {
      throw new Error(`${this.node.path} has no stream of events: give its property events`);
    }
    const policy = this.resource('PutEventsPolicy').ref;
    role.addManagedPolicy(ManagedPolicy.fromManagedPolicyArn(this, `Put-${Names.nodeUniqueId(role.node)}`, policy));
  }

  /** Lets somebody read and write the lake, likewise. */
  grantReadWrite(grantee: IGrantable & Exclude<Person, string>): Grant {
    this.administrators.push(arnOf(grantee));
    return this.bucket.grantReadWrite(grantee);
  }

  /** Lets somebody start runs. */
  grantStart(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({
      grantee, actions: ['states:StartExecution'], resourceArns: [this.stateMachineAliasArn],
    });
  }

  /** One more pipeline, retrained on a schedule of its own, with its alarms. Its definition is in the lake. */
  schedule(pipeline: string, props: RetrainScheduleProps = {}): void {
    const outputs = Object.fromEntries(this.exported().map((name) => [name, this.output(name)]));
    include(this, `Schedule-${pipeline}`, 'schedule.json',
      { Pipeline: pipeline, ...outputs, ...scheduleParametersOf(props) }, { preserveLogicalIds: false });
  }

  /** Whether the properties make a resource of the template. */
  private has(logicalId: string): boolean {
    return this.resources(CfnResource).some(([id]) => id === logicalId);
  }

  /** The outputs that a schedule builds upon. */
  private exported(): string[] {
    return ['MetricNamespace', 'NoticesTopicArn', 'ScheduleGroup', 'SchedulerRoleArn', 'StateMachineAliasArn',
      'UndeliveredQueueArn'];
  }

  private output(logicalId: string): string {
    return this.included.getOutput(logicalId).value as string;
  }

  private onlyOneOf(stack: Stack): void {
    const other = stack.node.findAll().find((it) => it instanceof RetrainPipeline && it !== this);
    if (other) {
      throw new Error(`${stack.node.path} has a pipeline already, ${other.node.path}: give this one a stack of its own, `
        + 'or let one stack serve several pipelines by its schedule()');
    }
  }

  /** Who may use the lake: as it is known now, to be checked, and as it will have been granted in the end. */
  private people(): { now: Parameters; later: Parameters } {
    if (this.administrators.length === 0) {
      throw new Error('administrators: name at least one role or user, or nobody can put a definition into the lake');
    }
    const joined = (all: readonly string[]) => Fn.join(',', [...new Set(all)]);
    const later = {
      LakeAdministrators: Lazy.string({ produce: () => joined(this.administrators) }),
      // Without readers, one that is there already stands twice, as in the template.
      LakeReaders: Lazy.string({
        produce: () => joined(this.readers.length > 0 ? this.readers : [this.trainingRole.roleArn]),
      }),
    };
    const now = (all: readonly string[], otherwise: string) =>
      all.filter((it) => !Token.isUnresolved(it)).join(',') || otherwise;
    return {
      now: {
        LakeAdministrators: now(this.administrators, later.LakeAdministrators),
        LakeReaders: now(this.readers, later.LakeReaders),
      },
      later,
    };
  }

  private securityGroups(props: RetrainPipelineProps): readonly ISecurityGroup[] {
    if (!props.vpc) {
      if (props.vpcSubnets || props.securityGroups) {
        throw new Error('vpcSubnets and securityGroups are of a VPC: give vpc, too');
      }
      return [];
    }
    const group = () => new SecurityGroup(this, 'SecurityGroup', {
      vpc: props.vpc!, description: `The functions of ${this.node.path}`,
    });
    return props.securityGroups ?? [group()];
  }

  private resources<T extends CfnResource>(kind: abstract new (...given: never[]) => T): [string, T][] {
    const all = this.included.node.findAll();
    return all.filter((it): it is T => it instanceof kind).map((it) => [it.node.id, it]);
  }

  /** Puts the built functions where the template names them by their binaries. */
  private giveCode(props: RetrainPipelineProps): Record<string, IFunction> {
    const functions = this.resources(CfnFunction).map(([id, resource]) => {
      const name = (resource.code as CfnFunction.CodeProperty).s3Key as string;
      const path = join(props.functions, name, 'bootstrap.zip');
      if (!existsSync(path)) {
        const flag = (props.architecture ?? Architecture.ARM_64).name === 'arm64' ? '--arm64' : '--x86-64';
        throw new Error(`${path} is not there: cargo lambda build --release ${flag} --output-format zip, and name the `
          + 'folder target/lambda');
      }
      const code = new Asset(this, `${id}Code`, { path });
      resource.code = { s3Bucket: code.s3BucketName, s3Key: code.s3ObjectKey };
      const handle = LambdaFunction.fromFunctionAttributes(this, `The${id}`, {
        functionArn: resource.attrArn,
        role: Role.fromRoleArn(this, `${id}Role`, resource.role),
        sameEnvironment: true,
        ...(props.architecture && { architecture: props.architecture }),
      });
      return [name, handle] as const;
    });
    return Object.fromEntries(functions);
  }

  /** The one definition: packed beside the templates, or in the repository. */
  private giveDefinition(): void {
    const places = [PACKAGE, join(PACKAGE, '..', '..', 'statemachine')].map((it) => join(it, 'retrain.asl.json'));
    const path = places.find((it) => existsSync(it));
    if (path === undefined) {
      throw new Error(`the state machine's definition is in none of ${places.join(', ')}`);
    }
    const definition = new Asset(this, 'Definition', { path });
    const machine = this.resource('RetrainStateMachine') as CfnStateMachine;
    machine.definitionS3Location = { bucket: definition.s3BucketName, key: definition.s3ObjectKey };
  }
}
