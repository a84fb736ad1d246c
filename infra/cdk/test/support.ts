/** A pipeline to look at: its stack, with functions that are there but do nothing. */
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { RetrainPipeline, type RetrainPipelineProps } from '../lib';
import { PACKAGE } from '../lib/included';

/** What the construct includes. */
export const TEMPLATE = JSON.parse(readFileSync(join(PACKAGE, 'template.json'), 'utf8'));

export const ADMINISTRATOR = 'arn:aws:iam::123456789012:role/Admin';

/** A zip for each function of the template. */
export const FUNCTIONS = mkdtempSync(join(tmpdir(), 'functions-'));
for (const resource of Object.values<any>(TEMPLATE.Resources)) {
  if (resource.Type === 'AWS::Lambda::Function') {
    const folder = join(FUNCTIONS, resource.Properties.Code.S3Key);
    mkdirSync(folder);
    writeFileSync(join(folder, 'bootstrap.zip'), `stands for ${folder}`);
  }
}
process.on('exit', () => require('node:fs').rmSync(FUNCTIONS, { recursive: true }));

/** The least that must be said. */
export const LEAST: RetrainPipelineProps = {
  functions: FUNCTIONS, table: 'interactions', administrators: [ADMINISTRATOR],
};

export function stack(): Stack {
  return new Stack(new App(), 'millrace', { env: { account: '123456789012', region: 'eu-central-1' } });
}

export function pipeline(props: Partial<RetrainPipelineProps> = {}, within = stack()): RetrainPipeline {
  return new RetrainPipeline(within, 'Pipeline', { ...LEAST, ...props });
}

export function synthesised(construct: RetrainPipeline): any {
  return Template.fromStack(Stack.of(construct)).toJSON();
}
