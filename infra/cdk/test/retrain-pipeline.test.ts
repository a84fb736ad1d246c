import { Duration, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { AttributeType, TableEncryptionV2, TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { IpAddresses, Vpc } from 'aws-cdk-lib/aws-ec2';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Architecture } from 'aws-cdk-lib/aws-lambda';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { RetrainPipeline } from '../lib';
import { LEAST, TEMPLATE, pipeline, stack, synthesised } from './support';

/** The ARNs that a statement of the bucket's policy lets through. */
function named(template: any, sid: string): string {
  const statements = template.Resources.LakeBucketPolicy.Properties.PolicyDocument.Statement;
  return JSON.stringify(statements.find((it: any) => it.Sid === sid).Condition.ArnNotLike);
}

test('the stack has the resources of the SAM template, under their names, and nothing is left to decide', () => {
  const template = synthesised(pipeline());
  const conditional = (it: any) => it.Condition === undefined || it.Condition === 'KeyIsOwn';
  const wanted = Object.entries(TEMPLATE.Resources).filter(([, it]) => conditional(it)).map(([name]) => name);
  assert.deepEqual(Object.keys(template.Resources).sort(), wanted.sort());
  assert.deepEqual(Object.keys(template.Parameters), ['BootstrapVersion']);
  assert.equal(template.Conditions, undefined);
  const text = JSON.stringify(template);
  assert.ok(!text.includes('Fn::If') && !text.includes('AWS::NoValue'));
});

test('the state machine is the file of the repository, and each function its zip', () => {
  const template = synthesised(pipeline());
  const machine = template.Resources.RetrainStateMachine.Properties;
  assert.match(machine.DefinitionS3Location.Key, /^[0-9a-f]{64}\.json$/);
  assert.deepEqual(machine.DefinitionSubstitutions.PlanExportFunctionArn, { 'Fn::GetAtt': ['PlanExportFunction', 'Arn'] });
  const functions = Object.values<any>(template.Resources).filter((it) => it.Type === 'AWS::Lambda::Function');
  const keys = new Set(functions.map((it) => it.Properties.Code.S3Key));
  assert.equal(keys.size, functions.length, 'each has a zip of its own');
  for (const key of keys) {
    assert.match(key, /^[0-9a-f]{64}\.zip$/);
  }
});

test('a reader is named where all others are denied', () => {
  const made = pipeline();
  const reader = new Role(made, 'Reader', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  const writer = new Role(made, 'Writer', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  made.grantRead(reader);
  made.grantReadWrite(writer);
  const id = (role: Role) => Stack.of(role).getLogicalId(role.node.defaultChild as any);
  const template = synthesised(made);
  assert.ok(named(template, 'NamedPrincipalsOnly').includes(id(reader)));
  assert.ok(named(template, 'NamedPrincipalsOnly').includes(id(writer)));
  assert.ok(!named(template, 'ReadersOnlyRead').includes(id(reader)), 'a reader does not write');
  assert.ok(named(template, 'ReadersOnlyRead').includes(id(writer)));
  const policies = Template.fromStack(Stack.of(made));
  policies.hasResourceProperties('AWS::IAM::Policy', {
    Roles: [{ Ref: id(reader) }],
    PolicyDocument: { Statement: Match.arrayWith([
      Match.objectLike({ Action: ['s3:GetObject*', 's3:GetBucket*', 's3:List*'], Effect: 'Allow' }),
      Match.objectLike({ Action: ['kms:Decrypt', 'kms:DescribeKey'] }),
    ]) },
  });
  // A pipeline's own policies are as they were: a grant adds to the grantee's.
  assert.deepEqual(template.Resources.TrainingRole, synthesised(pipeline()).Resources.TrainingRole);
});

test('a role that queries has the policy for it, and writes results only', () => {
  const made = pipeline();
  const analyst = new Role(made, 'Analyst', { assumedBy: new ServicePrincipal('sagemaker.amazonaws.com') });
  made.grantQuery(analyst);
  const id = Stack.of(analyst).getLogicalId(analyst.node.defaultChild as any);
  const template = synthesised(made);
  assert.deepEqual(template.Resources[id].Properties.ManagedPolicyArns, [{ Ref: 'QueryPolicy' }]);
  assert.ok(named(template, 'NamedPrincipalsOnly').includes(id));
  assert.ok(named(template, 'ReadersOnlyQuery').includes(id));
  assert.ok(!named(template, 'ReadersOnlyRead').includes(id));
  assert.ok(!named(template, 'ReadersKeepResults').includes(id));
});

test('who puts events has the policy for it, if there is a stream', () => {
  const made = pipeline({ events: {} });
  const shop = new Role(made, 'Shop', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  made.grantPutEvents(shop);
  const id = Stack.of(shop).getLogicalId(shop.node.defaultChild as any);
  const template = synthesised(made);
  assert.deepEqual(template.Resources[id].Properties.ManagedPolicyArns, [{ Ref: 'PutEventsPolicy' }]);
  assert.ok(!named(template, 'NamedPrincipalsOnly').includes(id));
  assert.ok(named(template, 'NamedPrincipalsOnly').includes('DeliverEventsRole'));

  const without = pipeline();
  assert.equal(synthesised(without).Resources.EventsStream, undefined);
  const role = new Role(without, 'Shop', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  assert.throws(() => without.grantPutEvents(role), /give its property events/);
});

test('grantStart allows the alias', () => {
  const made = pipeline();
  const role = new Role(made, 'Starter', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
  made.grantStart(role);
  Template.fromStack(Stack.of(made)).hasResourceProperties('AWS::IAM::Policy', {
    PolicyDocument: { Statement: [{
      Action: 'states:StartExecution', Effect: 'Allow', Resource: { 'Fn::Sub': '${RetrainStateMachine}:live' },
    }] },
  });
});

test('one stack retrains several pipelines', () => {
  const made = pipeline({ pipeline: 'shops', schedule: { expression: ScheduleExpression.cron({ hour: '4', minute: '0' }) } });
  made.schedule('films', { expression: ScheduleExpression.rate(Duration.days(7)), enabled: true, window: Duration.minutes(0) });
  made.schedule('books');
  const template = Template.fromStack(Stack.of(made));
  template.resourceCountIs('AWS::Scheduler::Schedule', 3);
  template.hasResourceProperties('AWS::Scheduler::Schedule', {
    ScheduleExpression: 'cron(0 4 * * ? *)', Target: { Input: { 'Fn::Sub': '{"pipeline": "shops"}' } }, State: 'DISABLED',
  });
  template.hasResourceProperties('AWS::Scheduler::Schedule', {
    ScheduleExpression: 'rate(7 days)',
    State: 'ENABLED',
    FlexibleTimeWindow: { Mode: 'OFF' },
    GroupName: { Ref: 'Schedules' },
    Target: {
      Arn: { 'Fn::Sub': '${RetrainStateMachine}:live' },
      RoleArn: { 'Fn::GetAtt': ['SchedulerRole', 'Arn'] },
      Input: { 'Fn::Sub': '{"pipeline": "films"}' },
      DeadLetterConfig: { Arn: { 'Fn::GetAtt': ['Undelivered', 'Arn'] } },
    },
  });
  assert.ok(!JSON.stringify(template.toJSON()).includes('Fn::ImportValue'));
});

test('constructs are taken as they are: a table and its key, a VPC, a subscription', () => {
  const within = stack();
  const tableKey = new Key(within, 'TableKey');
  const table = new TableV2(within, 'Table', {
    partitionKey: { name: 'id', type: AttributeType.STRING }, encryption: TableEncryptionV2.customerManagedKey(tableKey),
  });
  const vpc = new Vpc(within, 'Vpc', { ipAddresses: IpAddresses.cidr('10.0.0.0/16') });
  const made = pipeline({ table, vpc }, within);
  made.notices.addSubscription(new EmailSubscription('ml@example.com'));
  const template = Template.fromStack(within);
  template.hasResourceProperties('AWS::SNS::Subscription', { Endpoint: 'ml@example.com', TopicArn: { Ref: 'Notices' } });
  const { Resources } = template.toJSON();
  const scan = JSON.stringify(Resources.ExportSegmentRole.Properties.Policies);
  assert.ok(scan.includes(within.getLogicalId(table.node.defaultChild as any)), scan);
  assert.ok(scan.includes(within.getLogicalId(tableKey.node.defaultChild as any)), scan);
  const network = JSON.stringify(Resources.PlanExportFunction.Properties.VpcConfig);
  assert.ok(network.includes('PrivateSubnet1') && network.includes('PipelineSecurityGroup'), network);
  assert.ok(JSON.stringify(Resources.FunctionsPolicy).includes('ec2:CreateNetworkInterface'));
});

test('a key of another stack is used instead of one of its own', () => {
  const within = stack();
  const template = synthesised(pipeline({
    lakeKey: Key.fromKeyArn(within, 'Given', 'arn:aws:kms:eu-central-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef'),
  }, within));
  assert.equal(template.Resources.LakeKey, undefined);
  const encryption = JSON.stringify(template.Resources.LakeBucket.Properties.BucketEncryption);
  assert.ok(encryption.includes('key/01234567-'), encryption);
});

test('what CloudFormation would refuse is refused before', () => {
  const refused = (props: Partial<typeof LEAST>, why: RegExp) => assert.throws(() => pipeline(props), why);
  refused({ pipeline: 'Films!' }, /^Error: ScheduledPipeline: "Films!" is not as \[a-z0-9\]/);
  refused({ inputMayOverride: ['Training'] }, /InputMayOverride: "Training" must be `all`, `none`/);
  refused({ rolePath: 'service' }, /RolePath: "service" is not as/);
  refused({ administrators: ['arn:aws:sts::123456789012:assumed-role/Admin/eva'] }, /LakeAdministrators: .* must be ARNs/);
  refused({ administrators: [] }, /administrators: name at least one/);
  refused({ lifecycle: { rawExpiry: Duration.days(31) } }, /RawExpiryDays: 31 is none of 0, 14, 30/);
  refused({ lifecycle: { modelExpiry: Duration.hours(36) } }, /cannot be converted into a whole number of days/);
  refused({ mapConcurrency: 1001 }, /MapConcurrency: 1001 is above 1000/);
  refused({ schedule: { window: Duration.days(2) } }, /ScheduleWindowMinutes: 2880 is above 1440/);
  refused({ table: 'a b' }, /TableName: "a b"/);
  refused({ vpcSubnets: {} }, /give vpc, too/);
  refused({ functions: '/nowhere', architecture: Architecture.X86_64 }, /bootstrap\.zip is not there: cargo lambda .* --x86-64/);
});

test('a second pipeline needs a stack of its own', () => {
  const made = pipeline();
  assert.throws(() => new RetrainPipeline(Stack.of(made), 'Second', LEAST), /millrace has a pipeline already, millrace\/Pipeline/);
});
