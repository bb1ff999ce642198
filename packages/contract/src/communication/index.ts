export { Decision, LIGHT_LABELS } from './decision.ts';
export { DemoDecision } from './demo.ts';
export { type Contact, geniusManifest, Manifest } from './discovery.ts';
export {
  GeniusErrorBody,
  type GeniusFault,
  type GeniusResult,
  geniusErrorBody,
} from './error-body.ts';
export {
  type DictionaryEntry,
  dictionaryEntry,
  errorDictionary,
  GENIUS_ERROR_CODES,
  type GeniusErrorCode,
  type GeniusErrorEntry,
  type GeniusErrorType,
  geniusErrors,
} from './errors.ts';
export { API_VERSION, ID_PATTERNS } from './forms.ts';
export type { GeniusExamples } from './openapi.ts';
export {
  PACKET_VIEWS,
  ProofPacketFull,
  ProofPacketMinimal,
  ProofPacketQuery,
} from './packet.ts';
export {
  errorPage,
  errorsPage,
  guidePage,
  overviewPage,
  Page,
  type PageFacts,
  quickstartPage,
  type Section,
} from './pages.ts';
export { type Read, readDecisionRequest, readDemoRequest, readQuery } from './parse.ts';
export { PROBLEMS_MAX, type Problem } from './problem.ts';
export { QUICKSTART_REQUEST } from './quickstart.ts';
export { LIGHT_STATES, MODES, PROVIDER_OUTCOMES, TEST_SCENARIOS } from './records.ts';
export {
  ACTION_TYPES,
  ATTESTABLE_CONTROLS,
  type CommunicationInput,
  DecisionRequest,
  DemoRequest,
  ProposedAction,
  SOURCE_SURFACES,
  SOURCES,
  toCommunication,
} from './request.ts';
export {
  GENIUS_SCOPES,
  type GeniusLimit,
  type GeniusRoute,
  type GeniusRouteName,
  type GeniusScope,
  geniusRoutes,
} from './routes.ts';
export {
  CommunicationTransaction,
  TRANSACTION_LIMIT_DEFAULT,
  TransactionList,
  TransactionQuery,
  type TransactionSummary,
} from './transaction.ts';
