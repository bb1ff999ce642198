import { startServer } from '../../src/main.ts';
import { ACTOR } from './actor.ts';

/** A server over the directory that is named, whose commits take effect at once and are answered much later. */
const server = await startServer({
  host: '127.0.0.1',
  port: 0,
  dataDirectory: process.argv[2] ?? '',
  environment: 'test',
  rateLimits: false,
  logLevel: 'silent',
  devActor: ACTOR,
  commitDelayMs: 4_000,
});
process.stdout.write(`${server.url}\n`);
