export { analyze, unread, withSignals } from './analyze.ts';
export { conditionsOf, isFitForReply, signalsBehind, type Thresholds } from './conditions.ts';
export { CODES, type CodeRow } from './families.ts';
export { type Lexicon, type LexiconExample, type LexiconFault, parseLexicon } from './lexicon.ts';
export type { AccountLookup } from './lookup.ts';
export * from './model.ts';
export { rankOf } from './polarity.ts';
export {
  parseRuleset,
  type Ruleset,
  type RulesetFault,
  type RulesetFiles,
} from './ruleset.ts';
