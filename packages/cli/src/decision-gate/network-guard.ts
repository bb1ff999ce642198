import { isLoopback, type ScenarioSettings } from '@countersign/server';

/** Variable by which whoever starts a server allows it to be reached from other machines. */
const OPT_IN = 'DECISION_GATE_ALLOW_NON_LOOPBACK';
const YES: ReadonlySet<string> = new Set(['1', 'true', 'yes', 'y', 'on']);
const NO: ReadonlySet<string> = new Set(['0', 'false', 'no', 'n', 'off']);

/** Whether other machines are allowed for, by flag or by environment. Throws for a value that says neither. */
export function allowsOtherMachines(
  flag: boolean,
  environment: Readonly<Record<string, string | undefined>>,
): boolean {
  const given = environment[OPT_IN];
  if (given === undefined) return flag;
  const word = given.trim().toLowerCase();
  if (YES.has(word)) return true;
  if (NO.has(word)) return flag;
  throw new Error(`${OPT_IN} must be true or false, not \`${given}\``);
}

/** Why a server must not start: it would be reached from other machines without what that takes. */
export function networkFault(
  { bind, auth, tls, tlsTermination }: ScenarioSettings['server'],
  allowed: boolean,
): string | undefined {
  if (bind === undefined || isLoopback(bind.host)) return undefined;
  const refuse = (reason: string): string =>
    `refusing to listen on ${bind.host}, which other machines reach: ${reason}`;
  if (!allowed) return refuse(`allow it with --allow-non-loopback or ${OPT_IN}=true`);
  if (auth.mode === 'local_only') {
    return refuse('server.auth.mode must be bearer_token or mtls');
  }
  if (tls === undefined && tlsTermination !== 'upstream') {
    return refuse('configure server.tls, or set server.tls_termination = "upstream"');
  }
  if (auth.mode !== 'mtls' || tls === undefined) return undefined;
  if (tls.clientCaPath === undefined) return refuse('mtls needs server.tls.client_ca_path');
  return tls.requireClientCert
    ? undefined
    : refuse('mtls needs server.tls.require_client_cert = true');
}
