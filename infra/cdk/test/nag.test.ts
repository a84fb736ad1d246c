import { App, Stack, Validations } from 'aws-cdk-lib';
import { PolicyStatement, Role } from 'aws-cdk-lib/aws-iam';
import type { CfnFunction } from 'aws-cdk-lib/aws-lambda';
import { AwsSolutionsChecks, ServerlessChecks } from 'cdk-nag';
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { RetrainPipeline, type RetrainPipelineProps } from '../lib';
import { LEAST } from './support';

/** What cdk-nag finds in a pipeline that was changed so. */
function findings(change: (pipeline: RetrainPipeline) => void, props: Partial<RetrainPipelineProps> = {}): string[] {
  const outdir = mkdtempSync(join(tmpdir(), 'nag-'));
  try {
    const app = new App({ outdir });
    change(new RetrainPipeline(new Stack(app, 'millrace'), 'Pipeline', { ...LEAST, ...props }));
    Validations.of(app).addPlugins(new AwsSolutionsChecks(app), new ServerlessChecks(app));
    try {
      app.synth();
    } catch {
      // Told by the report.
    }
    const report = JSON.parse(readFileSync(join(outdir, 'validation-report.json'), 'utf8'));
    return report.pluginReports.flatMap((plugin: any) => plugin.violations.map((it: any) => it.ruleName as string));
  } finally {
    rmSync(outdir, { recursive: true });
  }
}

test('cdk-nag finds nothing that has not been answered', () => {
  assert.deepEqual(findings(() => {}), []);
  assert.deepEqual(findings(() => {}, { events: { pipeline: 'clicks' } }), []);
});

test('cdk-nag finds what was added', () => {
  assert.ok(findings((pipeline) => {
    const role = Role.fromRoleArn(pipeline, 'Again', pipeline.trainingRole.roleArn);
    role.addToPrincipalPolicy(new PolicyStatement({ actions: ['s3:*'], resources: ['*'] }));
  }).some((it) => it.includes('AwsSolutions-IAM5')));
  assert.ok(findings((pipeline) => {
    (pipeline.resource('PlanExportFunction') as CfnFunction).runtime = 'nodejs12.x';
  }).includes('AwsSolutions-L1'));
});
