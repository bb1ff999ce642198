import { Page, show } from '../design/page.tsx';
import { call } from '../design/server.ts';
import { takeOver } from '../verify/handover.ts';
import { Verifier } from '../verify/verifier.tsx';

show(
  <Page
    path="/verify"
    title="Verify a decision"
    lead="Check a Decision Record or a Decision Packet in this browser. The file stays here: nothing is uploaded, and once loaded the page works offline."
  >
    <Verifier initial={takeOver()} fetchRegistry={fetchRegistry} />
  </Page>,
);

async function fetchRegistry(): Promise<string | undefined> {
  const answer = await call('/api/decision/receipt-keys');
  return answer?.status === 200 ? answer.text : undefined;
}
