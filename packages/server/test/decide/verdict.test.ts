import { it } from 'vitest';
import { billing, openGate } from '../harness.ts';
it('x', async () => {
  const gate = await openGate();
  const r = await gate.decide(billing());
  console.log(JSON.stringify(r, null, 1));
  for (const p of ['/api/decision/verify', '/api/decision/' + 'a'.repeat(701), '/api/decision/%zz', '/api/decide/', '/API/decide', '/api/decision/dec_%41bcd', '/api/decide'])
    { const a = await gate.get(p); console.log(p.slice(0, 40), a.status, a.text, a.headers.get('allow')); }
  await gate.close();
});
