export { type Config, ConfigError, readConfig, SETTINGS } from './config.ts';
export { newId } from './keys/ids.ts';
export { openKeyring, renderRegistry, verifierKey } from './keys/keyring.ts';
export { DEV_TENANT, dataPaths, type RunningServer, startServer, VERSION } from './main.ts';
export { checkLedger, type LedgerReport } from './service/ledger-check.ts';
export type { ApiKey, KeyScope } from './service/ports.ts';
export { openSqlite } from './store/sqlite.ts';
