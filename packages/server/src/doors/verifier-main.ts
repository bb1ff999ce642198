import { parentPort } from 'node:worker_threads';
import { type VerificationTask, verification } from './verification.ts';

const port = parentPort;
if (port === null) throw new Error('this file runs as a worker thread');
port.on('message', (task: VerificationTask) => port.postMessage(verification(task)));
