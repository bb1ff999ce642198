import Database from 'better-sqlite3';
import { startWebhooks } from '../../src/events/webhooks.ts';
import { webhookStore } from '../../src/store/webhook-store.ts';
import { ArrayLedger } from './ledger.ts';

// Delivers what is in the file given, until it is killed.
const file = process.argv[2] ?? '';
const ledger = new ArrayLedger();
ledger.append(...Array.from({ length: 3 }, () => ({ entryType: 'review_opened' as const })));
startWebhooks({
  store: webhookStore(new Database(file)),
  ledger,
  origin: 'ledger.example.com',
  rules: { allowLoopback: true },
  now: Date.now,
  random: () => 0.5,
  onError: (error) => console.error(error),
});
