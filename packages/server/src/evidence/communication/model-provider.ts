import { sha256Hex } from '@countersign/proof';
import type { Analysis, Signal } from '@countersign/signals';
import {
  NOT_USED,
  type Provider,
  type ProviderOutcome,
} from '../../service/communication/provider.ts';
import { readAnswer } from './answer.ts';
import { type OutgoingSegment, outgoingSegments } from './outgoing.ts';

/** Something that can be asked what a text contains. */
export interface Model {
  /** Says which endpoint it was, without saying where it is. */
  readonly endpointId: string;
  readonly modelId: string;
  /** The question about masked texts, exactly as it is sent. */
  readonly render: (segments: readonly OutgoingSegment[]) => string;
  /** What goes wrong stands in the reply; a call that rejects is an error like others. */
  readonly ask: (question: string) => Promise<ModelReply>;
}

export type ModelReply =
  /** `raw` is all that came back, `content` the answer in it. */
  | { readonly outcome: 'ok'; readonly raw: string; readonly content: string }
  | {
      readonly outcome: 'timeout' | 'error' | 'invalid_output';
      readonly raw?: string | undefined;
    };

/** A second reader behind whatever model. What it is told and what it says is forgotten, except for hashes. */
export function modelProvider(
  model: Model,
  { withNames }: { readonly withNames: boolean },
): Provider {
  return {
    async find(communication, analysis) {
      if (speaksToMachines(analysis)) return { signals: [], outcome: NOT_USED };
      const segments = outgoingSegments(communication, analysis, withNames);
      if (segments.length === 0) return { signals: [], outcome: NOT_USED };
      return ask(model, segments, analysis);
    },
  };
}

/** Content that gives orders to machines is shown to none. */
function speaksToMachines({ signals }: Analysis): boolean {
  return signals.some(({ family, severity }) => family === 'F16' && severity === 'critical');
}

async function ask(
  model: Model,
  segments: readonly OutgoingSegment[],
  analysis: Analysis,
): ReturnType<Provider['find']> {
  const question = model.render(segments);
  const reply = await model.ask(question).catch((): ModelReply => ({ outcome: 'error' }));
  const asked = {
    used: true,
    endpoint_id: model.endpointId,
    model_id: model.modelId,
    request_digest: sha256Hex(question),
    response_digest: reply.raw === undefined ? null : sha256Hex(reply.raw),
  };
  const nothing = (outcome: ProviderOutcome['outcome']) => ({
    signals: [] as readonly Signal[],
    outcome: { ...asked, outcome, accepted: 0, discarded: {} },
  });
  if (reply.outcome !== 'ok') return nothing(reply.outcome);
  const answer = readAnswer(reply.content, segments, analysis);
  if (answer === undefined) return nothing('invalid_output');
  const { signals, discarded } = answer;
  return { signals, outcome: { ...asked, outcome: 'ok', accepted: signals.length, discarded } };
}
