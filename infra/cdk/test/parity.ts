/**
 * Prints stacks that a test of the repository holds against the SAM template, evaluated with the same parameters:
 * one with as little said as will do, and one with everything.
 */
import { Duration, TimeZone } from 'aws-cdk-lib';
import { Table } from 'aws-cdk-lib/aws-dynamodb';
import { SecurityGroup, Subnet, Vpc } from 'aws-cdk-lib/aws-ec2';
import { ManagedPolicy } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Architecture, Function } from 'aws-cdk-lib/aws-lambda';
import { RetentionDays } from 'aws-cdk-lib/aws-logs';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { Bucket, StorageClass } from 'aws-cdk-lib/aws-s3';
import { Secret } from 'aws-cdk-lib/aws-secretsmanager';
import { pipeline, stack, synthesised } from './support';

const within = stack();
const key = (id: string) => Key.fromKeyArn(within, id, `arn:aws:kms:eu-central-1:123456789012:key/${id}`);
const everything = pipeline({
  inputMayOverride: ['dataset', 'limits'],
  rolePath: '/service/',
  permissionsBoundary: ManagedPolicy.fromManagedPolicyArn(within, 'Boundary', 'arn:aws:iam::123456789012:policy/Boundary'),
  table: 'shop-*',
  tableKey: key('11111111-1111-1111-1111-111111111111'),
  lakeKey: key('22222222-2222-2222-2222-222222222222'),
  readers: ['arn:aws:iam::123456789012:role/Reader'],
  uploaders: ['arn:aws:iam::123456789012:role/Truck'],
  imageReaders: ['arn:aws:iam::123456789012:role/Viewer'],
  lifecycle: {
    rawExpiry: Duration.days(30),
    modelExpiry: Duration.days(365),
    predictionsExpiry: Duration.days(90),
    capturedExpiry: Duration.days(7),
    eventsExpiry: Duration.days(365),
    imagesColdClass: StorageClass.INFREQUENT_ACCESS,
    imagesCold: Duration.days(90),
    imagesExpiry: Duration.days(730),
    noncurrentVersions: Duration.days(7),
  },
  events: {
    pipeline: 'shops',
    required: ['event_id', 'context.device'],
    where: [{ path: 'kind', op: 'notEqual', value: 'test' }],
  },
  pipeline: 'shops',
  schedule: {
    expression: ScheduleExpression.cron({ hour: '4', minute: '30', timeZone: TimeZone.EUROPE_BERLIN }),
    window: Duration.minutes(10),
    start: new Date(Date.UTC(2026, 11, 24)),
    end: new Date(Date.UTC(2026, 11, 31, 23, 59, 59)),
    enabled: true,
    maxModelAge: Duration.days(14),
    maxTimeWithoutRun: Duration.days(3),
  },
  alarmEmail: 'ml@example.com',
  architecture: Architecture.X86_64,
  mapConcurrency: 20,
  reserveConcurrency: true,
  logRetention: RetentionDays.THREE_MONTHS,
  jobsInVpc: true,
  jobsReadImages: true,
  changeStreamArn: 'arn:aws:dynamodb:eu-west-1:123456789012:table/shop/stream/2026-11-28T09:12:01.789',
  changeStreamParallelism: 2,
  sourceSecret: Secret.fromSecretCompleteArn(within, 'Secret', 'arn:aws:secretsmanager:eu-west-1:123456789012:secret:shop/reader-AbCdEf'),
  imageBuckets: [
    Bucket.fromBucketAttributes(within, 'Images', {
      bucketArn: 'arn:aws:s3:::fleet-images',
      encryptionKey: key('33333333-3333-3333-3333-333333333333'),
    }),
    Bucket.fromBucketArn(within, 'More', 'arn:aws:s3:::more-images'),
  ],
  filesBucket: Bucket.fromBucketAttributes(within, 'Files', {
    bucketArn: 'arn:aws:s3:::old-exports',
    encryptionKey: key('44444444-4444-4444-4444-444444444444'),
  }),
  filesPrefix: 'exports/',
  readyBuckets: [Bucket.fromBucketArn(within, 'Books', 'arn:aws:s3:::books')],
  readyFunctions: [
    Function.fromFunctionArn(within, 'Closed', 'arn:aws:lambda:eu-west-1:123456789012:function:books-closed'),
  ],
  scoreChanges: {
    table: Table.fromTableAttributes(within, 'Changing', {
      tableArn: 'arn:aws:dynamodb:eu-west-1:123456789012:table/interactions',
      tableStreamArn: 'arn:aws:dynamodb:eu-west-1:123456789012:table/interactions/stream/2026-11-20T00:00:00.000',
    }),
    scores: 'scores',
    pipeline: 'shops',
  },
  vpc: Vpc.fromVpcAttributes(within, 'Vpc', { vpcId: 'vpc-1', availabilityZones: ['a'] }),
  vpcSubnets: { subnets: ['subnet-1', 'subnet-2'].map((id) => Subnet.fromSubnetId(within, id, id)) },
  securityGroups: [SecurityGroup.fromSecurityGroupId(within, 'Group', 'sg-1')],
}, within);

process.stdout.write(JSON.stringify({ least: synthesised(pipeline()), everything: synthesised(everything) }));
