import { renderTable } from '../bench/table.ts';
import { type Case, type Half, STANCES } from './corpus.ts';
import {
  groupBy,
  isRight,
  LIGHTS,
  meanOf,
  type Rate,
  type Result,
  rate,
  type Score,
  score,
  scoreFamilies,
} from './score.ts';

export const HALVES = ['dev', 'held'] as const satisfies readonly Half[];

/** Every table. */
export function renderReport(results: readonly Result[]): string {
  return [
    renderScores(results, `${results.length} cases`),
    ...HALVES.map((half) => renderLights(inHalf(results, half), half)),
    renderLights(results, 'all'),
    renderFamilies(results),
    ...(['category', 'lang'] as const).map((key) => renderGroups(results, key)),
  ].join('\n\n');
}

/** How many of each label got which light. */
export function renderLights(results: readonly Result[], of: string): string {
  return section(
    `stance by light, ${of}`,
    ['', ...LIGHTS, 'gate open'],
    STANCES.map((stance) => {
      const part = results.filter(({ case: one }) => one.stance === stance);
      return [
        stance,
        ...LIGHTS.map((light) => String(part.filter((one) => one.light === light).length)),
        String(part.filter(({ allowed }) => allowed).length),
      ];
    }),
  );
}

/** The figures that thresholds are about, by half. */
export function renderScores(results: readonly Result[], title: string): string {
  const parts = HALVES.map((half) => inHalf(results, half));
  const figures = [...parts, results].map(score);
  const figure = (what: string, name: keyof Score): readonly string[] => [
    what,
    ...figures.map((one) => cell(one[name])),
  ];
  return section(
    `${title}: share, and of how many`,
    ['', ...HALVES, 'all'],
    [
      figure('must stop: gate shut', 'stopped'),
      figure('must stop: red', 'red'),
      figure('needs review: shown to a person', 'reviewed'),
      figure('needs review: gate shut', 'shut'),
      figure('harmless: false blocks', 'falseBlocks'),
      figure('  near-misses', 'falseBlocksNearMisses'),
      figure('  actions', 'falseBlocksActions'),
      figure('  actions that are green', 'greenActions'),
      figure('grey', 'grey'),
    ],
  );
}

/** Recall by signal family, by half. */
export function renderFamilies(results: readonly Result[]): string {
  const families = [...HALVES.map((half) => inHalf(results, half)), results].map(scoreFamilies);
  const rows = (families[0] ?? []).map(({ family }, at) => [
    family,
    ...families.flatMap((scores) => [cell(scores[at]?.caught), cell(scores[at]?.named)]),
  ]);
  const means = families.flatMap((scores) => [
    percent(meanOf(scores.map(({ caught }) => caught))),
    percent(meanOf(scores.map(({ named }) => named))),
  ]);
  return section(
    'recall by family: caught is the right answer, named is a signal of that family',
    ['', 'dev caught', 'named', 'held caught', 'named', 'all caught', 'named'],
    [...rows, ['mean', ...means]],
  );
}

/** Figures by category or language, and their means, each group counting once. */
export function renderGroups(results: readonly Result[], key: 'category' | 'lang'): string {
  const groups = [...groupBy(results, (one) => one[key])].map(([name, group]) => {
    const { stopped, red, reviewed, falseBlocks, grey } = score(group);
    const right = HALVES.map((half) => rate(inHalf(group, half), isRight));
    return {
      name,
      size: group.length,
      figures: [stopped, red, reviewed, falseBlocks, grey, ...right],
    };
  });
  const columns = groups[0]?.figures.map((_, at) => groups.map(({ figures }) => figures[at])) ?? [];
  return section(
    `by ${key}`,
    ['', 'cases', 'stopped', 'red', 'reviewed', 'false blocks', 'grey', 'dev right', 'held right'],
    [
      ...groups.map(({ name, size, figures }) => [name, String(size), ...figures.map(cell)]),
      [
        'mean',
        '',
        ...columns.map((column) => percent(meanOf(column.filter((one) => one !== undefined)))),
      ],
    ],
  );
}

/** What was judged wrongly, with what was found in it. */
export function renderMisses(results: readonly Result[], which: string): string {
  return results
    .filter((result) => !isRight(result) && (which === 'all' || result.case.half === which))
    .map(({ case: one, light, allowed, reasons, signals }) =>
      [
        `${one.id}  ${one.stance} ${one.families.join(' ')}  ${one.category}  ${one.lang}`,
        `  ${light}, gate ${allowed ? 'open' : 'shut'}: ${reasons.join(', ')}`,
        ...signals.map((signal) => `  found ${signal}`),
        `  says ${excerptOf(one)}`,
      ].join('\n'),
    )
    .join('\n\n');
}

const EXCERPT_MAX = 400;

function excerptOf({ communication }: Case): string {
  const { subject, body_excerpt, body_html, proposed_action } = communication;
  const parts = [subject, body_excerpt, body_html, proposed_action.draft];
  return parts
    .filter((part) => part !== undefined)
    .join(' | ')
    .replaceAll(/\s+/g, ' ')
    .slice(0, EXCERPT_MAX);
}

/** Results of one half. */
export function inHalf(results: readonly Result[], half: Half): readonly Result[] {
  return results.filter(({ case: one }) => one.half === half);
}

function section(
  title: string,
  head: readonly string[],
  rows: readonly (readonly string[])[],
): string {
  return `${title}\n${renderTable(head, rows)}`;
}

function cell(figure: Rate | undefined): string {
  return figure?.share === undefined ? '-' : `${percent(figure.share)} (${figure.of})`;
}

/** With one decimal; a dash for nothing. */
export function percent(share: number | undefined): string {
  return share === undefined ? '-' : `${(share * 100).toFixed(1)} %`;
}
