import { Demo } from '../demo/demo.tsx';
import { Page, show } from '../design/page.tsx';

show(
  <Page
    path="/demo"
    title="Check before you act"
    lead="Paste a message and the step you are about to take on it. The answer says first whether that step may be prepared, and then why, with a proof."
  >
    <Demo />
  </Page>,
);
