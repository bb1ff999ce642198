import { createInterface } from 'node:readline';

/**
 * An agent that follows a plan: the first line names proposals, each answer decides whether it goes on. It holds no
 * key and no credential; all it can do is write proposals to its output.
 */
const lines = createInterface({ input: process.stdin })[Symbol.asyncIterator]();

interface Plan {
  /** Goes on although it was told to stop. */
  readonly insists?: boolean;
  readonly proposals: readonly unknown[];
}

async function next(): Promise<unknown> {
  const line = await lines.next();
  return line.done === true ? undefined : (JSON.parse(line.value) as unknown);
}

const plan = (await next()) as Plan;
for (const proposal of plan.proposals) {
  process.stdout.write(`${JSON.stringify(proposal)}\n`);
  const answer = (await next()) as { readonly instruction?: string } | undefined;
  if (answer === undefined || (answer.instruction === 'stop' && plan.insists !== true)) break;
}
process.exit(0);
