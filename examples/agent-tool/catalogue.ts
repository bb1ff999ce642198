import { canonicalJson, type Members, sha256Hex } from '@countersign/proof';

/** What the server knows of a tool. The agent can name a tool and its arguments; nothing else of this is its to say. */
export interface Tool {
  readonly name: string;
  readonly targetSystem: string;
  readonly riskLevel: 'low' | 'medium' | 'high';
  readonly reversible: boolean;
  /** Members that its arguments must have, all of them and no others. */
  readonly arguments: Readonly<Record<string, 'string' | 'number'>>;
  /** Which argument names the object that is changed. */
  readonly object: string;
  /** Which argument is money out of the budget, in the currency's smallest unit. */
  readonly spends: string;
}

export const CATALOGUE: readonly Tool[] = [
  {
    name: 'send_quote',
    targetSystem: 'crm_sandbox',
    riskLevel: 'low',
    reversible: true,
    arguments: { quote_id: 'string', amount_minor: 'number' },
    object: 'quote_id',
    spends: 'amount_minor',
  },
  {
    name: 'issue_refund',
    targetSystem: 'billing',
    riskLevel: 'high',
    reversible: false,
    arguments: { quote_id: 'string', amount_minor: 'number' },
    object: 'quote_id',
    spends: 'amount_minor',
  },
];

/** Arguments that are exactly those of the tool; text that a tool returned has no other way into a question. */
export function readArguments(tool: Tool, given: unknown): Members | undefined {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return undefined;
  const values = given as Members;
  const names = Object.keys(tool.arguments);
  if (Object.keys(values).length !== names.length) return undefined;
  const fits = names.every(
    (name) => Object.hasOwn(values, name) && typeof values[name] === tool.arguments[name],
  );
  return fits ? values : undefined;
}

export function argumentsHash(values: Members): string {
  return sha256Hex(canonicalJson(values));
}

/** Where the risk level comes from: this entry, as it is in force. */
export function catalogueReference(tool: Tool): Members {
  return {
    id: `catalogue_${tool.name}`,
    type: 'tool_catalogue',
    snapshot_hash: `sha256:${sha256Hex(canonicalJson(tool))}`,
  };
}
