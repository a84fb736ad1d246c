/** A template of this package as constructs. It must not know what the stack is for. */
import { CfnInclude } from 'aws-cdk-lib/cloudformation-include';
import type { Construct } from 'constructs';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { GivenTemplate, type Parameters } from './template';

/** Where this package lies: the templates are beside `dist`. */
export const PACKAGE = join(__dirname, '..', '..');

/** How a template is included. */
export interface Inclusion {
  /** Its resources keep their names. */
  readonly preserveLogicalIds: boolean;
  /** Parameters that are only known in the end, in the place of those that were checked. */
  readonly later?: Parameters;
}

/** Includes a template with its parameters. */
export function include(
  scope: Construct,
  id: string,
  name: string,
  given: Parameters,
  how: Inclusion,
): { readonly included: CfnInclude; readonly parameters: Parameters } {
  const { template, parameters } = new GivenTemplate(join(PACKAGE, name), given);
  // CfnInclude reads files alone, and this one is as the parameters want it.
  const folder = mkdtempSync(join(tmpdir(), 'millrace-'));
  try {
    const templateFile = join(folder, name);
    writeFileSync(templateFile, JSON.stringify(template));
    const included = new CfnInclude(scope, id, {
      templateFile,
      parameters: { ...parameters, ...how.later },
      preserveLogicalIds: how.preserveLogicalIds,
    });
    return { included, parameters };
  } finally {
    rmSync(folder, { recursive: true });
  }
}
