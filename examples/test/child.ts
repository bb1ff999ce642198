import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { openDatabase } from '../decision-actions/store.ts';
import type { Anchor } from '../gated-action/ask.ts';
import type { ObjectApiOptions } from '../gated-action/object-api.ts';
import { clientsOf } from '../gated-action/settings.ts';
import { RIGS, type Work } from './rigs.ts';

/** What a second process needs to run one integration on the same database. */
export interface ChildOrder {
  readonly rig: string;
  readonly gateUrl: string;
  readonly keyFile: string;
  readonly directory: string;
  readonly anchor: Anchor;
  readonly system: ObjectApiOptions;
  readonly executorId: string;
  readonly work: Work;
}

const order = JSON.parse(readFileSync(0, 'utf8')) as ChildOrder;
const kind = RIGS.find((one) => one.name === order.rig);
if (kind === undefined) throw new Error(`there is no ${order.rig}`);
const db = openDatabase(join(order.directory, 'actions.db'));
const rig = await kind.open(
  {
    directory: order.directory,
    db,
    connect: clientsOf(order.gateUrl, order.keyFile),
    anchor: order.anchor,
    executor: { type: 'worker', id: order.executorId },
    claims: true,
    now: Date.now,
    alert: () => {},
  },
  order.system,
  () => {},
);
await rig.deliver(order.work);
await rig.close();
db.close();
