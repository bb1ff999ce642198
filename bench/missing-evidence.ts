import manifest from '../package.json' with { type: 'json' };
import { engines } from './engines/all.ts';
import { type Answer, FAILED, type Facts } from './engines/engine.ts';
import { renderTable } from './table.ts';

/**
 * What every engine answers to «pay unless sanctions hit» when the evidence about sanctions is not
 * what the rule's author had in mind. The rule: `not (sanctions == "hit") and amount <= 1000`.
 */
export type Row = {
  readonly engine: string;
  readonly from: string;
  readonly ours: boolean;
  readonly guard: string;
  readonly answers: Readonly<Record<CaseName, Answer>>;
};

export const cases = {
  clear: { amount: 900, sanctions: 'clear' },
  hit: { amount: 900, sanctions: 'hit' },
  absent: { amount: 900 },
  null: { amount: 900, sanctions: null },
  boolean: { amount: 900, sanctions: true },
  number: { amount: 900, sanctions: 1 },
  failed: { amount: 900, sanctions: FAILED },
} as const satisfies Record<string, Facts>;

export type CaseName = keyof typeof cases;

/** All cases but the two in which the evidence is there and well formed. */
export const unsettled: readonly CaseName[] = ['absent', 'null', 'boolean', 'number', 'failed'];

/** Asks every engine every case. */
export async function missingEvidence(): Promise<Row[]> {
  const rows: Row[] = [];
  for (const engine of engines) {
    const ask = async (name: CaseName): Promise<Answer> => engine.payment(cases[name])();
    rows.push({
      engine: engine.name,
      from: engine.from,
      ours: engine.ours,
      guard: engine.guard,
      answers: {
        clear: await ask('clear'),
        hit: await ask('hit'),
        absent: await ask('absent'),
        null: await ask('null'),
        boolean: await ask('boolean'),
        number: await ask('number'),
        failed: await ask('failed'),
      },
    });
  }
  return rows;
}

/** The cases in which a row says yes though nobody knows whether there is a hit. */
export function unfoundedYes({ answers }: Pick<Row, 'answers'>): readonly CaseName[] {
  return unsettled.filter((name) => answers[name] === 'allow');
}

if (import.meta.main) {
  const rows = await missingEvidence();
  if (process.argv.includes('--json')) {
    console.log(JSON.stringify({ versions: manifest.devDependencies, rows }, undefined, 2));
  } else {
    console.log(render(rows));
  }
  if (rows.some((row) => row.ours && unfoundedYes(row).length > 0)) process.exitCode = 1;
}

function render(rows: readonly Row[]): string {
  const names = Object.keys(cases) as readonly CaseName[];
  const versions: Readonly<Record<string, string>> = manifest.devDependencies;
  const table = renderTable(
    ['engine', ...names, 'unfounded yes'],
    rows.map((row) => [
      row.engine,
      ...names.map((name) => (row.answers[name] === 'allow' ? 'ALLOW' : row.answers[name])),
      `${unfoundedYes(row).length} of ${unsettled.length}`,
    ]),
  );
  const guards = rows.map(
    ({ engine, from, guard }) => `  ${engine} (${from} ${versions[from] ?? 'here'}): ${guard}`,
  );
  return [
    'Rule: not (sanctions == "hit") and amount <= 1000. The amount is always 900.',
    'absent: no such member. null, boolean, number: that instead of text. failed: the provider',
    'failed; callers pass { error: "timeout" }, to json-rules-engine a fact that rejects, to our',
    'kernel evidence that was refused. unknown: the gate stays shut and a person is asked.',
    'error: no answer; it depends on the caller what becomes of it.',
    '',
    table,
    '',
    'Text that nobody thought of (sanctions: "timeout") is not "hit", so this rule allows it in every',
    'engine, ours included. The same rule stated the other way round, sanctions == "clear", is safe in',
    'all of them. What else users of each can do against an unfounded yes:',
    ...guards,
  ].join('\n');
}
