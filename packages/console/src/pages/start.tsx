import { Page, show } from '../design/page.tsx';
import { Start } from '../start/start.tsx';

show(
  <Page
    path="/"
    title="A decision gate"
    lead="Software asks this server before a step that matters: a refund, a discount, a payout, an access grant. It answers yes, no or review, and leaves a proof."
  >
    <Start />
  </Page>,
);
