import type { DecisionRequest } from './request.ts';

/** A first request: a customer wants to hear that all is agreed. The gate stays closed until the terms are read. */
export const QUICKSTART_REQUEST: DecisionRequest = {
  id: 'demo_email_001',
  source: 'gmail',
  source_surface: 'gmail_thread',
  source_message_id: 'msg_001',
  source_thread_id: 'thr_001',
  participants: [
    { name: 'Tom', email: 'tom@harbourline.example', role: 'sender' },
    { name: 'James', email: 'james@oakfield.example', role: 'recipient' },
  ],
  subject: 'Are you happy to proceed?',
  body_excerpt:
    'Hi James, are you happy to proceed? Please confirm today, and I will send the agreement over for signature.',
  claims: [],
  asks: [],
  implied_asks: [],
  deadlines: [],
  documents_referenced: [],
  authority_signals: [],
  pressure_signals: [],
  attribution_signals: [],
  possible_commitments: [],
  authority_result: {},
};
