import { canonicalJson } from '@countersign/proof';
import type { Provider } from '../../service/communication/provider.ts';
import type { TestScenario } from '../../service/communication/test-scenario.ts';
import { type Model, type ModelReply, modelProvider } from './model-provider.ts';

/** Phrases on which the mock reports something, so that integrations can be tried: no ordinary message holds them. */
const PHRASES: readonly {
  readonly phrase: string;
  readonly family: string;
  readonly code: string;
  readonly severity: string;
  /** Absent: the phrase itself. */
  readonly quote?: string;
}[] = [
  {
    phrase: 'mock finding: payment details',
    family: 'F01',
    code: 'payment.use_new_account',
    severity: 'critical',
  },
  {
    phrase: 'mock finding: payment',
    family: 'F02',
    code: 'payment.payment_request',
    severity: 'medium',
  },
  {
    phrase: 'mock finding: authority',
    family: 'F03',
    code: 'authority.claimed_mandate',
    severity: 'medium',
  },
  {
    phrase: 'mock finding: commitment',
    family: 'F04',
    code: 'commitment.acceptance_requested',
    severity: 'medium',
  },
  {
    phrase: 'mock finding: promise',
    family: 'F04',
    code: 'commitment.acceptance_made',
    severity: 'high',
  },
  {
    phrase: 'mock finding: credentials',
    family: 'F11',
    code: 'credential.password_or_code',
    severity: 'high',
  },
  { phrase: 'mock finding: secrecy', family: 'F18', code: 'channel.secrecy', severity: 'high' },
  { phrase: 'mock finding: mention', family: 'F02', code: 'payment.mention', severity: 'low' },
  {
    phrase: 'mock finding: invented',
    family: 'F02',
    code: 'payment.payment_request',
    severity: 'high',
    quote: 'words that nobody wrote',
  },
  { phrase: 'mock finding: all is well', family: 'F00', code: 'verdict.safe', severity: 'high' },
];

/** One text as the mock is given it. */
interface Text {
  readonly pointer: string;
  readonly text: string;
}

/**
 * A second reader for test mode that needs no network. What it finds depends on the masked texts and the scenario, on
 * nothing else, and passes the same checks as a model's answer.
 */
export function mockProvider(scenario?: TestScenario): Provider {
  return modelProvider(mockModel(scenario), { withNames: false });
}

function mockModel(scenario: TestScenario | undefined): Model {
  return {
    endpointId: 'ep_mock',
    modelId: 'mock-1',
    render: (segments) => canonicalJson(segments.map(({ pointer, text }) => ({ pointer, text }))),
    ask: async (question) => replyTo(JSON.parse(question) as readonly Text[], scenario),
  };
}

function replyTo(texts: readonly Text[], scenario: TestScenario | undefined): ModelReply {
  if (scenario === 'provider_timeout') return { outcome: 'timeout' };
  if (scenario === 'provider_error') return { outcome: 'error' };
  if (scenario === 'provider_invalid_json') return answered('{"signals": [');
  const stop = scenario === 'provider_adds_stop' ? stopIn(texts) : [];
  return answered(JSON.stringify({ signals: [...stop, ...texts.flatMap(findingsIn)] }));
}

function answered(content: string): ModelReply {
  return { outcome: 'ok', raw: content, content };
}

function findingsIn({ pointer, text }: Text): readonly object[] {
  return PHRASES.flatMap(({ phrase, quote, ...finding }) => {
    const found = new RegExp(phrase, 'i').exec(text)?.[0];
    return found === undefined ? [] : [{ ...finding, pointer, quote: quote ?? found }];
  });
}

/** A finding that stops, on the first word of the first text. */
function stopIn([first]: readonly Text[]): readonly object[] {
  const quote = first?.text.match(/\S+/)?.[0];
  if (first === undefined || quote === undefined) return [];
  const { pointer } = first;
  return [
    { family: 'F01', code: 'payment.bank_details_changed', severity: 'high', pointer, quote },
  ];
}
