import { readFileSync } from 'node:fs';
import { type Json, type PolicyDocument, parsePolicyDocument } from '@countersign/policy';
import { parseJson } from '@countersign/proof';
import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  LineCounter,
  type Node,
  parseDocument,
  visit,
} from 'yaml';

/** Something about a place of a policy file. */
export interface Finding {
  readonly file: string;
  readonly line: number;
  readonly column: number;
  readonly severity: 'fault' | 'warning';
  readonly code: string;
  /** RFC 6901; `''` where the text cannot be read as a document at all. */
  readonly pointer: string;
  readonly message: string;
}

/** A policy as people write it, in JSON or YAML; `findings` holds the reason where there is no document. */
export interface PolicyFile {
  readonly file: string;
  readonly document?: PolicyDocument;
  readonly findings: readonly Finding[];
}

/**
 * Reads and parses a policy file. What is hashed is the parsed document, so a policy has the same hash in JSON and in
 * YAML. Throws when the file itself cannot be read.
 */
export function readPolicyFile(file: string): PolicyFile {
  const bytes = readFileSync(file === '-' ? 0 : file);
  const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  const lines = new LineCounter();
  const yaml = parseDocument(text, {
    lineCounter: lines,
    // `true` and `"true"` are two keys to YAML, and one name to JSON.
    uniqueKeys: (a, b) => nameOf(a) === nameOf(b),
    prettyErrors: false,
  });
  const finding = (
    offset: number,
    said: Pick<Finding, 'severity' | 'code' | 'pointer' | 'message'>,
  ): Finding => {
    const { line, col } = lines.linePos(offset);
    return { file, line, column: col, ...said };
  };
  const unreadable = [...unreadableParts(yaml)].map(({ offset, message }) =>
    finding(offset, { severity: 'fault', code: 'unreadable', pointer: '', message }),
  );
  if (unreadable.length > 0) return { file, findings: unreadable };

  // Written and read again: what is left is strict JSON, or it is said why not.
  const read = parseJson(JSON.stringify(yaml.toJS({ maxAliasCount: ALIASES_MAX }) ?? null), {
    depthMax: DEPTH_MAX,
  });
  if (!read.ok) {
    const { code } = read.fault;
    const message = 'This is not a document that JSON can carry.';
    return {
      file,
      findings: [
        finding(0, { severity: 'fault', code, pointer: read.fault.pointer ?? '', message }),
      ],
    };
  }
  const parsed = parsePolicyDocument(read.value as Json);
  const said = parsed.ok ? parsed.value.warnings : parsed.fault;
  const severity = parsed.ok ? 'warning' : 'fault';
  const findings = said.map(({ pointer, code, message }) =>
    finding(offsetOf(yaml, pointer), { severity, code, pointer, message }),
  );
  return parsed.ok ? { file, document: parsed.value, findings } : { file, findings };
}

/** One finding as editors and people read it. */
export function findingText({ file, line, column, ...said }: Finding): string {
  const place = said.pointer === '' ? '' : ` at ${said.pointer}`;
  const kind = said.severity === 'warning' ? 'warning: ' : '';
  return `${file}:${line}:${column}: ${kind}${said.message} (${said.code})${place}`;
}

/** Most values that aliases may stand for. */
const ALIASES_MAX = 100;
/** Deepest file that is read; a policy is far from it. */
const DEPTH_MAX = 64;

interface Unreadable {
  readonly offset: number;
  readonly message: string;
}

/** What keeps a text from being one document that JSON can carry without loss. */
function* unreadableParts(yaml: Document.Parsed): Generator<Unreadable> {
  for (const { pos, message } of [...yaml.errors, ...yaml.warnings]) {
    yield { offset: pos[0], message: firstLine(message) };
  }
  const found: Unreadable[] = [];
  visit(yaml, {
    Pair(_, { key }) {
      if (!isScalar(key) || !['string', 'boolean'].includes(typeof key.value)) {
        const message = 'A member name is a text: put it into quotes.';
        found.push({ offset: startOf(key), message });
      }
    },
    Scalar(_, scalar) {
      if (typeof scalar.value !== 'number') return;
      const exact = parseJson(scalar.source ?? '', { depthMax: 1 });
      if (exact.ok) return;
      const message = 'A number is written as in JSON, and a double must hold it exactly.';
      found.push({ offset: startOf(scalar), message });
    },
  });
  yield* found;
}

function nameOf(key: unknown): string {
  return isScalar(key) ? String(key.value) : '';
}

function firstLine(message: string): string {
  return message.split('\n', 1)[0] ?? message;
}

/** Where the value at a pointer begins; a member that is missing is looked for where it should stand. */
function offsetOf(yaml: Document.Parsed, pointer: string): number {
  let here: unknown = yaml.contents;
  let offset = startOf(here);
  for (const step of pointer.split('/').slice(1)) {
    const name = step.replaceAll('~1', '/').replaceAll('~0', '~');
    if (isAlias(here)) here = here.resolve(yaml);
    if (isMap(here)) {
      const pair = here.items.find(({ key }) => nameOf(key) === name);
      if (pair === undefined) break;
      offset = startOf(pair.key);
      here = pair.value;
    } else if (isSeq(here)) {
      here = here.items[Number(name)];
      if (here === undefined) break;
      offset = startOf(here);
    } else {
      break;
    }
  }
  return offset;
}

function startOf(node: unknown): number {
  return (node as Node | null | undefined)?.range?.[0] ?? 0;
}
