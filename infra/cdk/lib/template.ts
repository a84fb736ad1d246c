/**
 * A template that was made from SAM's, with its parameters given: held against what the template allows,
 * conditions decided, the branches not taken left out. It must not know what the stack is for.
 */
import { Token } from 'aws-cdk-lib';
import { readFileSync } from 'node:fs';

/** Parameters by name. */
export type Parameters = Readonly<Record<string, string | number>>;

type Json = string | number | boolean | null | Json[] | { [name: string]: Json };
type Fields = { [name: string]: Json };

interface Parameter {
  readonly Type: string;
  readonly Default?: string | number;
  readonly AllowedPattern?: string;
  readonly AllowedValues?: readonly (string | number)[];
  readonly MinValue?: number;
  readonly MaxValue?: number;
  readonly ConstraintDescription?: string;
}

interface Rule {
  readonly RuleCondition?: Json;
  readonly Assertions: readonly { readonly Assert: Json; readonly AssertDescription: string }[];
}

/** A template of this package and the parameters it was given. */
export class GivenTemplate {
  /** Every parameter: given, or by default. */
  readonly parameters: Record<string, string | number> = {};
  /** Without conditions and rules. */
  readonly template: Fields;

  constructor(file: string, given: Parameters) {
    const template = JSON.parse(readFileSync(file, 'utf8')) as Fields;
    this.template = template;
    const known = template.Parameters as unknown as Record<string, Parameter>;
    for (const name of Object.keys(given)) {
      if (!(name in known)) {
        throw new Error(`${file} has no parameter ${name}: build the package again`);
      }
    }
    for (const [name, parameter] of Object.entries(known)) {
      const value = given[name] ?? parameter.Default;
      if (value === undefined) {
        throw new Error(`${name} must be given`);
      }
      accept(name, parameter, value);
      this.parameters[name] = value;
    }
    for (const rule of Object.values((template.Rules ?? {}) as unknown as Record<string, Rule>)) {
      if (rule.RuleCondition === undefined || this.holds(rule.RuleCondition)) {
        for (const { Assert, AssertDescription } of rule.Assertions) {
          if (!this.holds(Assert)) {
            throw new Error(AssertDescription);
          }
        }
      }
    }
    template.Resources = this.taken(template.Resources as Fields);
    template.Outputs = this.taken((template.Outputs ?? {}) as Fields);
    delete template.Rules;
    delete template.Conditions;
  }

  /** The elements whose condition holds, without it. */
  private taken(elements: Fields): Fields {
    const left = Object.entries(elements).filter(([, element]) => {
      const condition = (element as Fields).Condition;
      return condition === undefined || this.condition(condition);
    });
    return Object.fromEntries(left.map(([name, element]) => {
      const { Condition: _, ...rest } = element as Fields;
      return [name, this.decided(rest) as Json];
    }));
  }

  /** With the branch of each Fn::If; undefined for AWS::NoValue. */
  private decided(json: Json): Json | undefined {
    if (Array.isArray(json)) {
      return json.map((it) => this.decided(it)).filter((it) => it !== undefined);
    }
    if (json === null || typeof json !== 'object') {
      return json;
    }
    const [condition, then, otherwise] = (json['Fn::If'] ?? []) as [Json, Json, Json];
    if (condition !== undefined) {
      return this.decided(this.condition(condition) ? then : otherwise);
    }
    if (json.Ref === 'AWS::NoValue') {
      return undefined;
    }
    const fields = Object.entries(json).map(([name, value]) => [name, this.decided(value)] as const);
    return Object.fromEntries(fields.filter(([, value]) => value !== undefined)) as Json;
  }

  private condition(name: Json): boolean {
    return this.holds((this.template.Conditions as Fields)[name as string] as Json);
  }

  private holds(expression: Json): boolean {
    const [name, argument] = Object.entries(expression as Fields)[0] as [string, Json];
    const parts = argument as Json[];
    switch (name) {
      case 'Condition': return this.condition(argument);
      case 'Fn::Equals': return this.text(parts[0]) === this.text(parts[1]);
      case 'Fn::Contains': return (parts[0] as Json[]).some((it) => this.text(it) === this.text(parts[1]));
      case 'Fn::Not': return !this.holds(parts[0] as Json);
      case 'Fn::And': return parts.every((part) => this.holds(part));
      case 'Fn::Or': return parts.some((part) => this.holds(part));
      default: throw new Error(`${name} is no function of conditions that is known here`);
    }
  }

  /** What is only known when it is deployed is a text of its own, which equals no other. */
  private text(json: Json | undefined): string {
    const name = (json as Fields | null)?.Ref;
    return String(name === undefined ? json : this.parameters[name as string]);
  }
}

/** Refuses a value as CloudFormation would, unless only CloudFormation will know it. */
function accept(name: string, parameter: Parameter, value: string | number): void {
  if (Token.isUnresolved(value)) {
    return;
  }
  const refuse = (why: string): never => {
    throw new Error(`${name}: ${JSON.stringify(value)} ${parameter.ConstraintDescription ?? why}`);
  };
  if (parameter.Type === 'Number' && !Number.isInteger(value)) {
    refuse('is no whole number');
  }
  if (parameter.AllowedValues && !parameter.AllowedValues.map(String).includes(String(value))) {
    refuse(`is none of ${parameter.AllowedValues.join(', ')}`);
  }
  if (parameter.AllowedPattern && !new RegExp(`^(?:${parameter.AllowedPattern})$`).test(String(value))) {
    refuse(`is not as ${parameter.AllowedPattern}`);
  }
  if (parameter.MinValue !== undefined && Number(value) < parameter.MinValue) {
    refuse(`is below ${parameter.MinValue}`);
  }
  if (parameter.MaxValue !== undefined && Number(value) > parameter.MaxValue) {
    refuse(`is above ${parameter.MaxValue}`);
  }
}
