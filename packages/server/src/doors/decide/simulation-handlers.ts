import { type decide, ok, type Result } from '@countersign/contract';
import { counterfactuals } from '../../service/counterfactual.ts';
import { type ReplayMode, replay } from '../../service/replay.ts';
import { type Call, type HandlersOf, json, principalOf, type Reply } from '../call.ts';
import { agreedView } from './answers.ts';
import type { DoorPorts } from './ports.ts';

/** Judging again what was judged: as it was, by today's policy, with another context. None of it authorises. */
export function simulationHandlers(
  ports: DoorPorts,
): HandlersOf<'openReplay' | 'replayDecision' | 'diffDecision' | 'counterfactuals'> {
  return {
    openReplay: (call) => replayed(call, 'historical'),
    replayDecision: (call) => {
      const { replay_mode: mode } = (call.body ?? {}) as decide.ReplayRequest;
      return replayed(call, mode ?? 'historical');
    },
    diffDecision: (call) => replayed(call, 'current'),

    counterfactuals: async (call) => {
      const request = call.body as decide.CounterfactualRequest;
      const view = agreedView(call.view, request.response_view);
      if (!view.ok) return view;
      const report = await counterfactuals(ports, principalOf(call), call.id, {
        ...request,
        response_view: view.value,
      });
      return report.ok ? ok(json(report.value)) : report;
    },
  };

  async function replayed(call: Call, mode: ReplayMode): Promise<Result<Reply>> {
    const report = await replay(ports, principalOf(call), call.id, mode);
    return report.ok ? ok(json({ ok: true, ...report.value })) : report;
  }
}
