import { scenario } from '@countersign/policy';

export const DOC_ROLES = ['reasoning', 'decision', 'ontology', 'pattern'] as const;
export type DocRole = (typeof DOC_ROLES)[number];

/** One document that can be searched and read. */
export interface Doc {
  readonly id: string;
  readonly title: string;
  readonly role: DocRole;
  readonly uri: string;
  readonly text: string;
}

/** A part of a document, as a search gives it. */
export interface FoundSection {
  readonly rank: number;
  readonly doc_id: string;
  readonly doc_title: string;
  readonly doc_role: DocRole;
  readonly heading: string;
  readonly content: string;
}

export interface DocsAnswer {
  readonly sections: readonly FoundSection[];
  readonly docs_covered: readonly Pick<FoundSection, 'doc_id' | 'doc_title' | 'doc_role'>[];
  readonly suggested_followups: readonly string[];
}

interface Section {
  readonly doc: Doc;
  readonly heading: string;
  readonly content: string;
}

/** Words of a query that tell what kind of answer is wanted. */
const CUES: Readonly<Record<DocRole, readonly string[]>> = {
  ontology: ['schema', 'provider', 'comparator', 'condition', 'ret', 'jsonpath'],
  decision: ['which tool', 'precheck', 'scenario', 'runpack', 'start', 'next'],
  pattern: ['playbook', 'workflow', 'recipe', 'integration', 'example'],
  reasoning: ['why', 'trust', 'evidence', 'security', 'invariant'],
};

const FOLLOWUPS: Readonly<Record<DocRole, string>> = {
  reasoning: 'Ask why a gate holds: evidence, trust lanes and invariants.',
  decision: 'Ask which tool to call next, and what it answers.',
  ontology: 'Ask how a condition, a comparator or a provider check is written.',
  pattern: 'Ask for a worked example or a playbook.',
};

const SECTIONS_DEFAULT = 3;
/** Without a query, one section of each role. */
const OVERVIEW_DEFAULT = DOC_ROLES.length;
const HEADING_POINTS = 3;
const CONTENT_POINTS = 1;
const PRIMARY_POINTS = 2;
const DETECTED_POINTS = 1;

/** The sections of the documents that answer a query best, best first; without a query the first of each role. */
export function searchDocs(
  docs: readonly Doc[],
  query: string,
  asked: number | undefined,
  sectionsMax: number,
): DocsAnswer {
  const text = query.toLowerCase();
  const terms = text.split(/\s+/).filter((term) => term !== '');
  const wanted = asked ?? (terms.length === 0 ? OVERVIEW_DEFAULT : SECTIONS_DEFAULT);
  const limit = Math.min(Math.max(wanted, 1), sectionsMax);
  const found = terms.length === 0 ? overview(docs) : ranked(docs, text, terms);
  const sections = found.slice(0, limit).map(({ doc, heading, content }, rank) => ({
    rank,
    doc_id: doc.id,
    doc_title: doc.title,
    doc_role: doc.role,
    heading,
    content,
  }));
  const covered = [...new Map(sections.map((one) => [one.doc_id, one])).values()];
  const roles = new Set(covered.map(({ doc_role }) => doc_role));
  return {
    sections,
    docs_covered: covered.map(({ doc_id, doc_title, doc_role }) => ({
      doc_id,
      doc_title,
      doc_role,
    })),
    suggested_followups: DOC_ROLES.filter((role) => !roles.has(role)).map(
      (role) => FOLLOWUPS[role],
    ),
  };
}

function overview(docs: readonly Doc[]): readonly Section[] {
  return DOC_ROLES.flatMap((role) => {
    const first = docs.find((doc) => doc.role === role);
    return first === undefined ? [] : sectionsOf(first).slice(0, 1);
  });
}

function ranked(docs: readonly Doc[], query: string, terms: readonly string[]): readonly Section[] {
  const roles = rolesOf(query);
  return docs
    .flatMap((doc, place) => sectionsOf(doc).map((section) => ({ section, place })))
    .map(({ section, place }) => ({ section, place, score: scoreOf(section, terms) }))
    .filter(({ score }) => score > 0)
    .map((one) => ({ ...one, score: one.score + bonusOf(one.section.doc.role, roles) }))
    .sort(
      (a, b) =>
        b.score - a.score ||
        a.place - b.place ||
        scenario.byUtf8(a.section.heading, b.section.heading),
    )
    .map(({ section }) => section);
}

function scoreOf({ heading, content }: Section, terms: readonly string[]): number {
  const [inHeading, inContent] = [heading.toLowerCase(), content.toLowerCase()];
  let score = 0;
  for (const term of terms) {
    if (inHeading.includes(term)) score += HEADING_POINTS;
    if (inContent.includes(term)) score += CONTENT_POINTS;
  }
  return score;
}

/** Roles that a query speaks of, the one with most cues first; of equals the first in order. */
function rolesOf(query: string): readonly DocRole[] {
  return DOC_ROLES.map((role) => ({
    role,
    cues: CUES[role].filter((cue) => query.includes(cue)).length,
  }))
    .filter(({ cues }) => cues > 0)
    .sort((a, b) => b.cues - a.cues)
    .map(({ role }) => role);
}

function bonusOf(role: DocRole, [primary, ...others]: readonly DocRole[]): number {
  if (role === primary) return PRIMARY_POINTS;
  return others.includes(role) ? DETECTED_POINTS : 0;
}

/** A document at its headings of the second and third level; what stands before them is titled like the document. */
function sectionsOf(doc: Doc): readonly Section[] {
  const sections: { doc: Doc; heading: string; lines: string[] }[] = [
    { doc, heading: doc.title, lines: [] },
  ];
  for (const line of doc.text.split('\n')) {
    const heading = /^#{2,3} (.*)$/.exec(line)?.[1];
    if (heading === undefined) sections.at(-1)?.lines.push(line);
    else sections.push({ doc, heading: heading.trim(), lines: [] });
  }
  return sections
    .map(({ heading, lines }) => ({ doc, heading, content: lines.join('\n').trim() }))
    .filter(({ content }) => content !== '');
}
