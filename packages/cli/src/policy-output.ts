import type { PolicyDocument } from '@countersign/policy';
import pc from 'picocolors';
import { findingText, readPolicyFile } from './policy-file.ts';

/** Where a command's answer goes: lines for people, or one JSON value for machines. */
export interface Output {
  show(value: unknown, lines: () => readonly string[]): void;
  good(text: string): string;
  bad(text: string): string;
  dim(text: string): string;
}

export function outputTo(json: boolean | undefined): Output {
  // Colours belong to a terminal; a log file or the next program would have to remove them.
  const colours = pc.createColors(
    process.stdout.isTTY === true && process.env['NO_COLOR'] === undefined,
  );
  return {
    show: (value, lines) => {
      const text = json === true ? JSON.stringify(value, undefined, 2) : lines().join('\n');
      process.stdout.write(`${text}\n`);
    },
    good: colours.green,
    bad: colours.red,
    dim: colours.dim,
  };
}

/** The document of a file; where it has faults they are printed, and the exit code is 1. */
export function readOrExit(file: string, out: Output): PolicyDocument | undefined {
  const { document, findings } = readPolicyFile(file);
  if (document === undefined) {
    out.show({ ok: false, findings }, () => findings.map(findingText));
    process.exitCode = 1;
  }
  return document;
}

/** Columns as wide as their widest cell. */
export function table(rows: readonly (readonly string[])[]): readonly string[] {
  const widths: number[] = [];
  for (const row of rows) {
    for (const [at, cell] of row.entries()) widths[at] = Math.max(widths[at] ?? 0, cell.length);
  }
  return rows.map((row) =>
    row
      .map((cell, at) => cell.padEnd(widths[at] ?? 0))
      .join('  ')
      .trimEnd(),
  );
}
