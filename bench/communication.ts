// `POST /v1/decisions` on a mail of 2 KB, recorded and proven, against the bare echo of the same server, in turn within
// each round. Only ratios are reported as results. Needs wrk (Debian package `wrk`).
import { mkdtempSync, writeFileSync } from 'node:fs';
import { cpus, tmpdir } from 'node:os';
import { join } from 'node:path';
import { ensureWrk, median, type Sample, startServer, wrk } from './load.ts';

const args = process.argv.slice(2);
const option = (name: string, fallback: number): number => {
  const at = args.indexOf(`--${name}`);
  return at < 0 ? fallback : Number(args[at + 1]);
};
const ROUNDS = option('rounds', 5);
const SECONDS = option('seconds', 3);

const folder = mkdtempSync(join(tmpdir(), 'countersign-bench-communication-'));
const answerFile = join(folder, 'answer.json');
writeFileSync(answerFile, '{}');
const ACTOR = { id: 'bench', token: `gt_test_${'b'.repeat(40)}` };

const PARAGRAPH =
  'Thanks for the minutes of the last meeting. The new pages are with the printer, and the samples should be here by ' +
  'the middle of the month. Dana will look at the colours; if they are as agreed, we go on with the rest as planned. ';
const BODY = JSON.stringify({
  source: 'outlook',
  participants: [
    { name: 'Tom Ash', email: 'tom@harbourline.example', role: 'sender' },
    { name: 'James Oak', email: 'james@oakfield.example', role: 'recipient' },
  ],
  subject: 'Printing, as talked about',
  body_excerpt: `Hello James,\n\n${PARAGRAPH.repeat(8)}\n\nKind regards\nTom`,
});
const PATHS = { echo: '/bench/echo', decide: '/v1/decisions' } as const;

/** One run of wrk; every decision has a key of its own. */
function load(url: string, path: string, connections: number): Sample {
  const script = join(folder, 'post.lua');
  writeFileSync(
    script,
    `local n = 0
local seed = "${Date.now()}-${Math.random()}"
local body = ${JSON.stringify(BODY)}
local headers = {
  ["content-type"] = "application/json",
  ["x-cosy-actor-id"] = "${ACTOR.id}",
  ["x-cosy-actor-token"] = "${ACTOR.token}",
}
request = function()
  n = n + 1
  headers["idempotency-key"] = seed .. "-" .. n
  return wrk.format("POST", nil, headers, body)
end
`,
  );
  return wrk(url + path, { script, connections, seconds: SECONDS });
}

ensureWrk();
const server = await startServer(folder, answerFile, {
  stderr: 'inherit',
  env: {
    COUNTERSIGN_DEV_ACTOR_ID: ACTOR.id,
    COUNTERSIGN_DEV_ACTOR_TOKEN: ACTOR.token,
    COUNTERSIGN_LOG_LEVEL: 'silent',
  },
});
process.stdout.write(
  `Node ${process.version}, ${cpus()[0]?.model}, ${cpus().length} cores; ${BODY.length} bytes, ${ROUNDS} rounds of ${SECONDS} s\n\n`,
);
for (const path of Object.values(PATHS)) load(server.url, path, 8);
for (const connections of [1, 64]) {
  const ratios: number[] = [];
  const samples: Sample[] = [];
  for (let round = 0; round < ROUNDS; round += 1) {
    const echo = load(server.url, PATHS.echo, connections);
    const decide = load(server.url, PATHS.decide, connections);
    ratios.push(decide.perSecond / echo.perSecond);
    samples.push(decide);
  }
  const of = (name: keyof Sample): string => median(samples.map((one) => one[name])).toFixed(2);
  process.stdout.write(
    `${connections} connections: ÷ echo ${median(ratios).toFixed(3)} (${Math.min(...ratios).toFixed(3)}–${Math.max(...ratios).toFixed(3)}), ` +
      `${of('perSecond')}/s, p50 ${of('p50Ms')} ms, p99 ${of('p99Ms')} ms\n`,
  );
}
await server.stop();
