// The server under measurement: the product as it is, plus two routes to compare it with.
import { readFileSync } from 'node:fs';
import { decide, limits, parser } from '../packages/contract/lib/index.js';
import { parseJson } from '../packages/proof/lib/index.js';
import { readConfig, startServer } from '../packages/server/lib/index.js';

const parse = parser(decide.DecideRequest);
// A decide answer in its full view, as a plain object: what an ordinary route would serialise.
const answerFile = process.argv[2];
const answer: unknown =
  answerFile === undefined ? undefined : JSON.parse(readFileSync(answerFile, 'utf8'));

const server = await startServer(readConfig(process.env), {
  extend(app) {
    app.post('/bench/echo', (_request, reply) =>
      reply.type('application/json; charset=utf-8').send('{"ok":true}'),
    );
    app.post('/bench/answer', (request, reply) => {
      const bytes = request.body as Buffer;
      const body = parseJson(bytes.toString('utf8'), { depthMax: limits.BODY_DEPTH_MAX });
      if (!body.ok || !parse(body.value).ok) return reply.code(422).send('{}');
      return reply.type('application/json; charset=utf-8').send(JSON.stringify(answer));
    });
  },
});
process.on('SIGTERM', () => {
  void server.close().then(() => process.exit(0));
});
process.stdout.write(`${server.url}\n`);
