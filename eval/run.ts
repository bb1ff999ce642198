import { readFileSync, writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { DELIVERED, readGovernance } from '../packages/server/src/governance.ts';
import type { Governance } from '../packages/server/src/service/communication/judge.ts';
import { judgeByKeywords } from './baseline.ts';
import { type Case, type Half, loadCorpus } from './corpus.ts';
import { isStrict, loosened, renderLoosened } from './loosened.ts';
import {
  HALVES,
  inHalf,
  percent,
  renderFamilies,
  renderGroups,
  renderLights,
  renderMisses,
  renderReport,
  renderScores,
} from './report.ts';
import { judge, type Result, type Score, score, scoreFamilies } from './score.ts';
import thresholds from './thresholds.json' with { type: 'json' };
import { TRANSFORMS } from './transforms.ts';

const USAGE = `Scores the communication gate on the labelled set in eval/.

usage: npm run eval -- [options]

  --misses [dev|held|all]  list what was judged wrongly, with what was found in it (default dev)
  --baseline               answer by one keyword expression instead, for comparison
  --write                  put the figures into docs/evaluation.md
  --disguises              list disguises that make an answer less strict
  --category NAME          only cases of this category
  --lang CODE              only cases in this language
  --json                   print figures and results as JSON
  --help                   print this

Exit code 1 when a figure misses its bound in eval/thresholds.json; selections by category or
language and the baseline are not held against it.`;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    misses: { type: 'boolean' },
    baseline: { type: 'boolean' },
    write: { type: 'boolean' },
    disguises: { type: 'boolean' },
    category: { type: 'string' },
    lang: { type: 'string' },
    json: { type: 'boolean' },
    help: { type: 'boolean' },
  },
});

function main(): void {
  const cases = loadCorpus().filter(
    ({ category, lang }) =>
      category === (values.category ?? category) && lang === (values.lang ?? lang),
  );
  const governance = readGovernance(DELIVERED);
  const results =
    values.baseline === true ? cases.map(judgeByKeywords) : judgeAll(cases, governance);
  if (values.disguises === true) {
    printLoosened(results, governance);
    return;
  }
  if (values.write === true) writeFigures(results);
  if (values.json === true) console.log(JSON.stringify(toJson(results), undefined, 2));
  else if (values.misses === true) console.log(renderMisses(results, positionals[0] ?? 'dev'));
  else console.log(renderReport(results));
  if ([values.category, values.lang, values.baseline].some((value) => value !== undefined)) return;
  const missed = HALVES.flatMap((half) => missedBounds(half, score(inHalf(results, half))));
  for (const miss of missed) console.error(miss);
  if (missed.length > 0) process.exitCode = 1;
}

function judgeAll(cases: readonly Case[], governance: Governance): readonly Result[] {
  return cases.map((one, at) => {
    if (at % 100 === 0) process.stderr.write(`${at} of ${cases.length}\n`);
    return judge(one, governance);
  });
}

function printLoosened(results: readonly Result[], governance: Governance): void {
  const strict = results.filter(isStrict);
  for (const transform of TRANSFORMS) {
    process.stderr.write(`${transform.name}\n`);
    const found = strict.flatMap((plain) => loosened(plain, transform, governance) ?? []);
    if (found.length === 0) continue;
    process.exitCode = 1;
    console.log(`${transform.name}: ${found.length} of ${strict.length}`);
    for (const one of found) console.log(`  ${renderLoosened(one)}`);
  }
}

const BOUNDS = {
  stopped: { kind: 'least', what: 'must-stop with the gate shut' },
  reviewed: { kind: 'least', what: 'needs-review that a person sees' },
  falseBlocks: { kind: 'most', what: 'harmless with the gate shut' },
  falseBlocksNearMisses: { kind: 'most', what: 'near-misses with the gate shut' },
  falseBlocksActions: { kind: 'most', what: 'harmless actions with the gate shut' },
  greenActions: { kind: 'least', what: 'actions that bind nobody and are green' },
} as const satisfies Partial<Record<keyof Score, object>>;

function missedBounds(half: Half, figures: Score): readonly string[] {
  return (Object.keys(BOUNDS) as (keyof typeof BOUNDS)[]).flatMap((name) => {
    const { kind, what } = BOUNDS[name];
    const { share } = figures[name];
    const bound = thresholds[name];
    const holds = share === undefined || (kind === 'least' ? share >= bound : share <= bound);
    return holds ? [] : [`${half}: ${what}: ${percent(share)}, bound at ${kind} ${percent(bound)}`];
  });
}

const DOCUMENT = new URL('../docs/evaluation.md', import.meta.url);
const FIGURES = /(?<=<!-- figures -->\n)[\s\S]*?(?=<!-- end of figures -->)/;

/** Figures go between two marks in the document. */
function writeFigures(results: readonly Result[]): void {
  const parts = [
    renderScores(results, 'our gate'),
    renderScores(
      results.map((result) => judgeByKeywords(result.case)),
      'one keyword expression',
    ),
    ...HALVES.map((half) => renderLights(inHalf(results, half), half)),
    renderFamilies(results),
    renderGroups(results, 'lang'),
  ];
  const figures = parts.map((part) => `\`\`\`text\n${part}\n\`\`\`\n`).join('\n');
  writeFileSync(
    DOCUMENT,
    readFileSync(DOCUMENT, 'utf8').replace(FIGURES, () => figures),
  );
}

function toJson(results: readonly Result[]): object {
  return {
    ...Object.fromEntries(
      HALVES.map((half) => [
        half,
        { score: score(inHalf(results, half)), families: scoreFamilies(inHalf(results, half)) },
      ]),
    ),
    results: results.map(({ case: one, light, allowed, review, reasons, signals }) => {
      const { id, kind, category, lang, stance, families, half } = one;
      return {
        id,
        kind,
        category,
        lang,
        stance,
        families,
        half,
        light,
        allowed,
        review,
        reasons,
        signals,
      };
    }),
  };
}

if (values.help === true) console.log(USAGE);
else main();
