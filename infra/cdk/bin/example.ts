/** An app with a pipeline of two tables' users: what a first one may look like. `npm run synth` */
import { App, Duration, Stack, TimeZone } from 'aws-cdk-lib';
import { TableV2 } from 'aws-cdk-lib/aws-dynamodb';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { join } from 'node:path';
import { RetrainPipeline } from '../lib';

const app = new App();
const stack = new Stack(app, 'millrace');
const root = join(__dirname, '..', '..', '..', '..');
const pipeline = new RetrainPipeline(stack, 'Pipeline', {
  functions: (app.node.tryGetContext('functions') as string | undefined) ?? join(root, 'target', 'lambda'),
  table: TableV2.fromTableName(stack, 'Interactions', 'interactions'),
  administrators: [`arn:aws:iam::${stack.account}:role/Admin`],
  alarmEmail: 'ml@example.com',
  schedule: {
    expression: ScheduleExpression.cron({ hour: '3', minute: '0', timeZone: TimeZone.EUROPE_BERLIN }),
    enabled: true,
  },
});
pipeline.schedule('films', {
  expression: ScheduleExpression.rate(Duration.days(7)),
  enabled: true,
  maxTimeWithoutRun: Duration.days(7),
});
