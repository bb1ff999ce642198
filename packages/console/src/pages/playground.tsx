import { Page, show } from '../design/page.tsx';
import { Playground } from '../playground/playground.tsx';

show(
  <Page
    path="/playground"
    title="Playground"
    lead="Choose one of the template policies, change its request, and see how it is decided. Answers are signed with a test key and count for nothing; send nothing that is secret."
  >
    <Playground />
  </Page>,
);
