import Type, { type Static } from 'typebox';
import { docsUrl, GENIUS_ERROR_CODES, type GeniusErrorCode, geniusErrors } from './errors.ts';
import { closed, text, traceId } from './forms.ts';
import { PROBLEMS_MAX, type Problem } from './problem.ts';

const Detail = Type.Object({ param: text(300), problem: text(800, { minLength: 1 }) }, closed);

/** Body of every refusal. The gate in it is closed, for whoever reads nothing else. */
export const GeniusErrorBody = Type.Object(
  {
    error: Type.Object(
      {
        type: Type.Enum([...new Set(Object.values(geniusErrors).map(({ type }) => type))]),
        code: Type.Enum(GENIUS_ERROR_CODES, { description: 'stable: the member to branch on' }),
        message: text(300, { minLength: 1 }),
        docs_url: Type.String({ pattern: '^/v1/errors/[a-z_]+$' }),
        trace_id: traceId,
        retryable: Type.Boolean(),
        param: Type.Optional(
          text(300, { description: 'JSON Pointer, or the name of a header or query parameter' }),
        ),
        details: Type.Optional(Type.Array(Detail, { minItems: 1, maxItems: PROBLEMS_MAX })),
      },
      closed,
    ),
    action_gate: Type.Object(
      {
        allowed: Type.Literal(false),
        requires_human_review: Type.Literal(true),
        blocked_reason: Type.Enum(GENIUS_ERROR_CODES),
      },
      closed,
    ),
  },
  closed,
);
export type GeniusErrorBody = Static<typeof GeniusErrorBody>;

/** An expected failure, with every place that is wrong where there are such places. */
export interface GeniusFault {
  readonly code: GeniusErrorCode;
  readonly problems?: readonly Problem[];
  readonly retryAfterSeconds?: number;
}

export type GeniusResult<Value> =
  | { readonly ok: true; readonly value: Value }
  | { readonly ok: false; readonly fault: GeniusFault };

/** The body in which a fault is answered: the catalogue's sentences, nothing of what was sent but names of places. */
export function geniusErrorBody(
  { code, problems = [] }: GeniusFault,
  trace: string,
): GeniusErrorBody {
  const { type, message, retryable } = geniusErrors[code];
  const [first] = problems;
  return {
    error: {
      type,
      code,
      message,
      docs_url: docsUrl(code),
      trace_id: trace,
      retryable,
      ...(first === undefined
        ? {}
        : {
            param: first.param,
            details: problems
              .slice(0, PROBLEMS_MAX)
              .map(({ param, problem }) => ({ param, problem })),
          }),
    },
    action_gate: { allowed: false, requires_human_review: true, blocked_reason: code },
  };
}
