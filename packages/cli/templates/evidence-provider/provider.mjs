// @ts-check
import { checks } from './checks.mjs';
import { serve } from './protocol.mjs';

// Standard output belongs to the protocol: whatever else there is to say goes to standard error.
await serve(checks, process.stdin, process.stdout);
