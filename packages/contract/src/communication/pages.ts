import Type, { type Static } from 'typebox';
import { type DictionaryEntry, errorDictionary } from './errors.ts';
import { API_VERSION, closed } from './forms.ts';
import { QUICKSTART_REQUEST } from './quickstart.ts';
import { LIGHT_MEANINGS } from './records.ts';
import { type GeniusRoute, geniusRoutes } from './routes.ts';
import {
  AGENT_PROMISE,
  AGENT_RULES,
  CHECKED,
  DO_NOT_USE_FOR,
  HUMAN_PROMISE,
  ON_FAILURE,
  PURPOSE,
  READING_ORDER,
  SAFETY_CONTRACT,
  USE_CASES,
  USE_FOR,
} from './words.ts';

const line = Type.String({ minLength: 1 });
const Term = Type.Object({ term: line, lines: Type.Array(line) }, closed);

/** One passage of a page; a passage has the members that it needs. */
const Section = Type.Object(
  {
    id: Type.String({ pattern: '^[a-z][a-z-]*$' }),
    title: line,
    text: Type.Optional(line),
    items: Type.Optional(Type.Array(line)),
    /** The same, where the order counts. */
    steps: Type.Optional(Type.Array(line)),
    terms: Type.Optional(Type.Array(Term)),
    code: Type.Optional(line),
  },
  closed,
);
export type Section = Static<typeof Section>;

/** A page for people, as data: what is read and what is served as JSON are the same lines. */
export const Page = Type.Object(
  {
    object: Type.String({ pattern: '^genius_[a-z]+$' }),
    title: line,
    lead: line,
    api_version: Type.Literal(API_VERSION),
    sections: Type.Array(Section),
  },
  closed,
);
export type Page = Static<typeof Page>;

/** What the pages show beside their own words. */
export interface PageFacts {
  /** Address under which callers reach this server, without a slash at the end. */
  readonly baseUrl: string;
  /** What the server decides about {@link QUICKSTART_REQUEST}; absent while it can decide nothing. */
  readonly decision?: Readonly<Record<string, unknown>> | undefined;
}

/** `/api`: where everything is, with an example. */
export function overviewPage({ decision }: PageFacts): Page {
  return page('genius_overview', 'Genius: consequence before action', PURPOSE, [
    {
      id: 'promises',
      title: 'Two promises',
      items: [HUMAN_PROMISE, AGENT_PROMISE],
    },
    {
      id: 'lights',
      title: 'Four lights',
      terms: Object.entries(LIGHT_MEANINGS).map(([term, meaning]) => ({ term, lines: [meaning] })),
    },
    {
      id: 'example',
      title: 'An example',
      text:
        'A customer asks whether you are happy to proceed, and nobody has read the final terms. This is what the ' +
        'server answers, and the gate in it is closed.',
      ...shown(decision),
    },
    {
      id: 'demo',
      title: 'Try it',
      text: 'At /demo a message of your own is decided on, without credentials. Demonstrations store nothing.',
    },
    {
      id: 'routes',
      title: 'Routes',
      terms: served().map(({ method, path, summary, auth }) => ({
        term: `${method} ${braced(path)}`,
        lines: [auth === 'actor' ? `${summary}. Needs an actor.` : `${summary}.`],
      })),
    },
  ]);
}

/** `/api/genius`: the shortest explanation for agents. */
export function guidePage(): Page {
  return page('genius_guide', 'Genius for agents', AGENT_PROMISE, [
    { id: 'purpose', title: 'Purpose', text: PURPOSE },
    { id: 'when-to-use', title: 'When to use', items: [...USE_FOR] },
    { id: 'when-not-to-use', title: 'When not to use', items: [...DO_NOT_USE_FOR] },
    { id: 'what-is-checked', title: 'What is checked', text: CHECKED },
    {
      id: 'agent-rule',
      title: 'Agent rule',
      text:
        'Read `action_gate.allowed`, `signal` and `safest_move` first, in this order. Keep `proof_packet_id` and ' +
        '`trace_id` afterwards.',
      steps: [...AGENT_RULES],
    },
    { id: 'reading-order', title: 'Reading order', terms: readingOrder() },
    {
      id: 'safety-contract',
      title: 'Safety contract',
      text: 'It informs, and it never authorises.',
      items: [...SAFETY_CONTRACT],
    },
    {
      id: 'examples',
      title: 'Examples',
      terms: USE_CASES.map(({ title, situation, likely, never }) => ({
        term: title,
        lines: [
          `Situation: ${situation}`,
          `Likely output: ${likely}`,
          `Must not happen automatically: ${never}`,
        ],
      })),
    },
  ]);
}

/** `/api/quickstart`: one call, from request to gate. */
export function quickstartPage({ baseUrl, decision }: PageFacts): Page {
  return page('genius_quickstart', 'Genius: one call', AGENT_PROMISE, [
    {
      id: 'credentials',
      title: 'Credentials',
      text:
        'An actor has an id and a token. A token that begins with `gt_test_` is for test mode, one that begins with ' +
        '`gt_live_` for live mode. Without any, POST /api/demo/decisions decides for demonstration.',
    },
    {
      id: 'request',
      title: 'Ask before the step',
      text: 'One request for one step. The key makes a repetition harmless.',
      code: [
        `curl -sS ${baseUrl}/v1/decisions \\`,
        "  -H 'X-Cosy-Actor-Id: ACTOR' \\",
        "  -H 'X-Cosy-Actor-Token: TOKEN' \\",
        "  -H 'Idempotency-Key: step-0001' \\",
        "  -H 'Content-Type: application/json' \\",
        `  --data '${pretty(QUICKSTART_REQUEST)}'`,
      ].join('\n'),
    },
    {
      id: 'answer',
      title: 'The answer',
      text: 'Status 201. A closed gate is an answer like an open one.',
      ...shown(decision),
    },
    { id: 'reading-order', title: 'Read it in this order', terms: readingOrder() },
    {
      id: 'stop',
      title: 'Stop where it is not open',
      code: [
        'const gate = answer.status === 201 ? answer.body?.action_gate : undefined;',
        'if (gate?.allowed !== true) stopAndHandOver(answer.body?.safest_move?.rationale);',
        'else prepareForReview(answer.body);',
      ].join('\n'),
    },
    { id: 'failure', title: 'When there is no decision', items: [...ON_FAILURE] },
  ]);
}

const ERRORS_TITLE = 'Genius: errors';
const ERRORS_LEAD = 'Branch on `error.code`. Every error leaves the gate closed.';

/** `/api/errors`: the dictionary, to be read. */
export function errorsPage(): Page {
  const sections = errorDictionary().errors.map(errorSection);
  return page('genius_errors', ERRORS_TITLE, ERRORS_LEAD, sections);
}

/** `/v1/errors/{code}`, to be read. */
export function errorPage(entry: DictionaryEntry): Page {
  return page('genius_error', `${ERRORS_TITLE}: ${entry.code}`, ERRORS_LEAD, [errorSection(entry)]);
}

function errorSection(entry: DictionaryEntry): Section {
  return {
    id: entry.code.replaceAll('_', '-'),
    title: entry.code,
    text: entry.message,
    terms: [
      { term: 'Status and type', lines: [`${entry.http_status}, \`${entry.type}\``] },
      { term: 'Meaning', lines: [entry.meaning] },
      { term: 'Resolution', lines: [entry.resolution] },
    ],
  };
}

function page(object: string, title: string, lead: string, sections: readonly Section[]): Page {
  return { object, title, lead, api_version: API_VERSION, sections: [...sections] };
}

function readingOrder(): { term: string; lines: string[] }[] {
  return READING_ORDER.map(({ field, why }) => ({ term: field, lines: [why] }));
}

function served(): readonly GeniusRoute[] {
  return Object.values<GeniusRoute>(geniusRoutes).filter(({ status }) => status !== 404);
}

/** `/v1/decisions/:id` as `/v1/decisions/{id}`. */
export function braced(path: string): string {
  return path.replace(/:(\w+)/g, '{$1}');
}

function shown(decision: PageFacts['decision']): { code?: string } {
  return decision === undefined ? {} : { code: pretty(decision) };
}

function pretty(value: unknown): string {
  return JSON.stringify(value, null, 2);
}
