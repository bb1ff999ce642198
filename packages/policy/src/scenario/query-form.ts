import type { EvidenceQuery } from './model.ts';
import { anything, object, type Read, text } from './reader.ts';

export const evidenceQueryForm: Read<EvidenceQuery> = object((query) => ({
  provider_id: query.get('provider_id', text),
  check_id: query.get('check_id', text),
  ...query.optional('params', anything),
}));
