import { describePartialLexicon } from './whole-messages.ts';

describePartialLexicon('sv');
