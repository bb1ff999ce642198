import { openDatabase } from './database.ts';
import { type WebhookStore, webhookStore } from './webhook-store.ts';

/** The webhooks of a ledger, over a connection of their own: deliveries never wait in line with requests. */
export function openWebhooks(file: string): WebhookStore & { close(): void } {
  const db = openDatabase(file);
  return {
    ...webhookStore(db),
    close() {
      db.close();
    },
  };
}
