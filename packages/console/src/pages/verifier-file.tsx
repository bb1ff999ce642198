import { Page, show } from '../design/page.tsx';
import { Verifier } from '../verify/verifier.tsx';

show(
  <Page
    title="Verify a decision"
    lead="Check a Decision Record or a Decision Packet. This file holds the whole verifier, connects to nothing and may be kept and used offline."
  >
    <Verifier />
  </Page>,
);
