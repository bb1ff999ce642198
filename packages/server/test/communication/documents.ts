import { randomBytes } from 'node:crypto';
import type { communication } from '@countersign/contract';
import Fastify, { type FastifyInstance } from 'fastify';
import { mountDiscovery } from '../../src/doors/communication/discovery.ts';
import { unknownPaths } from '../../src/doors/communication/door.ts';
import {
  type CommunicationLimits,
  communicationLimits,
} from '../../src/doors/communication/limits.ts';
import { exampleAnswers } from '../../src/service/communication/example.ts';
import type { Answer, Members } from '../harness.ts';
import { governance } from './messages.ts';

export const EXAMPLES: communication.GeniusExamples = exampleAnswers({
  ...governance,
  hashes: { ...governance.hashes, overlay: null },
  analyser: {},
});
export const CONTACT: communication.Contact = {
  security: 'security@gate.example',
  support: 'support@gate.example',
};

export const KEYS: Members = { ledger: { keys: [] }, demo: { keys: [] } };

export interface Documents {
  readonly app: FastifyInstance;
  /** Codes of the faults that were answered. */
  readonly faults: string[];
  ask(path: string, headers?: Readonly<Record<string, string>>, method?: 'GET'): Promise<Answer>;
}

/** The documents of the door on a server of their own. */
export async function openDocuments(
  limits: CommunicationLimits = communicationLimits('test', false),
): Promise<Documents> {
  const app = Fastify();
  const faults: string[] = [];
  mountDiscovery(app, {
    version: '1.2.3',
    baseUrl: () => 'https://gate.example',
    contact: CONTACT,
    examples: () => EXAMPLES,
    keys: () => KEYS,
    limits,
    now: Date.now,
    newTraceId: () => `trace_${randomBytes(16).toString('hex')}`,
    countFault: (code) => void faults.push(code),
  });
  const unknown = unknownPaths({
    limits,
    now: Date.now,
    newTraceId: () => `trace_${randomBytes(16).toString('hex')}`,
    storeFailed: () => false,
    countFault: (code) => void faults.push(code),
  });
  app.setNotFoundHandler((request, reply) => unknown(request, reply) ?? reply.code(404).send());
  await app.ready();
  return {
    app,
    faults,
    async ask(path, headers = {}, method = 'GET') {
      const answer = await app.inject({ method, url: path, headers });
      const type = String(answer.headers['content-type'] ?? '');
      return {
        status: answer.statusCode,
        headers: new Headers(
          Object.entries(answer.headers).map(([name, value]): [string, string] => [
            name,
            String(value),
          ]),
        ),
        text: answer.payload,
        body:
          type.startsWith('application/json') && answer.payload !== ''
            ? (JSON.parse(answer.payload) as Members)
            : {},
      };
    },
  };
}
