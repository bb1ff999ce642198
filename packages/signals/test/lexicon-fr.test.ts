import { describeFullLexicon } from './whole-messages.ts';

describeFullLexicon('fr');
