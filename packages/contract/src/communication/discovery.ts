import Type, { type Static } from 'typebox';
import { GENIUS_ERROR_CODES, geniusErrors } from './errors.ts';
import { API_VERSION, closed } from './forms.ts';
import { braced } from './pages.ts';
import { LIGHT_STATES, MODES } from './records.ts';
import { type GeniusRoute, type GeniusRouteName, geniusRoutes } from './routes.ts';
import {
  AGENT_PROMISE,
  AGENT_RULES,
  ALLOWED_MEANS,
  ALLOWED_SEMANTICS,
  BLOCKED_MEANS,
  DO_NOT_USE_FOR,
  GUARANTEES,
  HUMAN_PROMISE,
  IDEMPOTENCY_RULE,
  ON_FAILURE,
  PURPOSE,
  RETRY_RULE,
  SAFETY_BOUNDARIES,
  SAFETY_CONTRACT,
  USE_FOR,
} from './words.ts';

const line = Type.String({ minLength: 1 });
const lines = Type.Array(line, { minItems: 1 });
const Endpoint = Type.Object({ method: line, path: line, purpose: line }, closed);

export const Manifest = Type.Object(
  {
    name: Type.Literal('Genius'),
    product: Type.Literal('PreCommit'),
    api_version: Type.Literal(API_VERSION),
    category: Type.Literal('pre_consequence_risk_and_accountability'),
    description: line,
    human_promise: line,
    agent_promise: line,
    action_gate: Type.Object(
      { field: line, semantics: line, allowed_means: line, blocked_means: line },
      closed,
    ),
    guarantees: lines,
    use_for: lines,
    do_not_use_for: lines,
    primary_endpoints: Type.Array(Endpoint),
    future_endpoints: Type.Array(Endpoint),
    idempotency: Type.Object({ required_for_post: lines, rule: line }, closed),
    rate_limits: Type.Object({ headers: lines, retry_rule: line }, closed),
    privacy: Type.Object(
      {
        raw_content_stored_by_default: Type.Literal(false),
        raw_provider_outputs_stored_by_default: Type.Literal(false),
      },
      closed,
    ),
    safety_boundaries: lines,
    modes: Type.Array(Type.Enum(MODES)),
    signal_states: Type.Array(Type.Enum(LIGHT_STATES)),
    links: Type.Record(Type.String(), Type.String({ pattern: '^/' })),
    contact: Type.Object({ security: line, support: line }, closed),
  },
  closed,
);
export type Manifest = Static<typeof Manifest>;

/** Where people can be reached. */
export interface Contact {
  readonly security: string;
  readonly support: string;
}

/** Routes that matter first: decisions, transactions and proof. */
const PRIMARY = [
  'createDecision',
  'getDecision',
  'createTransaction',
  'getTransaction',
  'getProofPacket',
] as const satisfies readonly GeniusRouteName[];

/** `/.well-known/genius.json`. */
export function geniusManifest({ security, support }: Contact): Manifest {
  return {
    name: 'Genius',
    product: 'PreCommit',
    api_version: API_VERSION,
    category: 'pre_consequence_risk_and_accountability',
    description: PURPOSE,
    human_promise: HUMAN_PROMISE,
    agent_promise: AGENT_PROMISE,
    action_gate: {
      field: 'action_gate.allowed',
      semantics: ALLOWED_SEMANTICS,
      allowed_means: ALLOWED_MEANS,
      blocked_means: BLOCKED_MEANS,
    },
    guarantees: [...GUARANTEES],
    use_for: [...USE_FOR],
    do_not_use_for: [...DO_NOT_USE_FOR],
    primary_endpoints: PRIMARY.map(endpoint),
    future_endpoints: [endpoint('createActionGate')],
    idempotency: {
      required_for_post: Object.values<GeniusRoute>(geniusRoutes)
        .filter(({ idempotencyKey }) => idempotencyKey === 'required')
        .map(({ path }) => path),
      rule: IDEMPOTENCY_RULE,
    },
    rate_limits: {
      headers: ['X-RateLimit-Limit', 'X-RateLimit-Remaining', 'X-RateLimit-Reset', 'Retry-After'],
      retry_rule: RETRY_RULE,
    },
    privacy: {
      raw_content_stored_by_default: false,
      raw_provider_outputs_stored_by_default: false,
    },
    safety_boundaries: [...SAFETY_BOUNDARIES],
    modes: [...MODES],
    signal_states: [...LIGHT_STATES],
    links: {
      openapi: geniusRoutes.openApi.path,
      llms: geniusRoutes.llms.path,
      overview: geniusRoutes.overviewPage.path,
      guide: geniusRoutes.guidePage.path,
      quickstart: geniusRoutes.quickstartPage.path,
      errors: geniusRoutes.errorsPage.path,
      error_dictionary: geniusRoutes.listErrors.path,
      demo: geniusRoutes.demoPage.path,
      keys: geniusRoutes.keys.path,
    },
    contact: { security, support },
  };
}

function endpoint(name: GeniusRouteName): Static<typeof Endpoint> {
  const { method, path, summary } = geniusRoutes[name];
  return { method, path: braced(path), purpose: summary };
}

/** The part of `/llms.txt` that is about this door: the lists of the other documents, as Markdown. */
export function geniusText(): string {
  const list = (items: readonly string[]): string => items.map((item) => `- ${item}`).join('\n');
  const routes = [...PRIMARY, 'listErrors' as const].map((name) => {
    const { method, path, purpose } = endpoint(name);
    return `${method} ${path}: ${purpose}`;
  });
  const retried = GENIUS_ERROR_CODES.filter((code) => geniusErrors[code].retryable);
  return `## The Communication door: Genius, the protocol of PreCommit

> ${PURPOSE}

### Promises

${list([HUMAN_PROMISE, AGENT_PROMISE])}

### Version

${API_VERSION}; send it as \`Genius-Version\`, or leave the header out.

### When to use

${list(USE_FOR)}

### When not to use

${list(DO_NOT_USE_FOR)}

### Safety contract

${list(SAFETY_CONTRACT)}

### Core endpoints

${list(routes)}

They need the headers \`X-Cosy-Actor-Id\` and \`X-Cosy-Actor-Token\`, and POST needs \`Idempotency-Key\`. The dictionary
of errors needs neither.

### Agent rules

${AGENT_RULES.map((rule, at) => `${at + 1}. ${rule}`).join('\n')}

### Discovery

${list([
  geniusRoutes.openApi.path,
  geniusRoutes.manifest.path,
  geniusRoutes.overviewPage.path,
  geniusRoutes.quickstartPage.path,
  geniusRoutes.errorsPage.path,
])}

### What to do on failure

${list(ON_FAILURE)}

Worth repeating unchanged: ${retried.join(', ')}.`;
}
