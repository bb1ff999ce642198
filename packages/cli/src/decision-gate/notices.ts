import { createHash } from 'node:crypto';
import { isLoopback, type ScenarioConfig, type ScenarioSettings } from '@countersign/server';

/** Something that whoever starts a server should know. */
export interface Notice {
  readonly level: 'note' | 'warning';
  readonly text: string;
}

const DAY_MS = 86_400_000;

/** Fingerprints of the tokens that the presets come with, which everybody knows. */
const DEMO_TOKENS: ReadonlySet<string> = new Set([
  '73a7ceabc74caaa14553ad02540165ba8ad8b709f15e6503b8879552f22042a1',
  '5e268e45a49c26207274917a880f33eafbf6e98563170d0bfe1504408d33d18c',
]);

/** What to say at the start of a server, in this order. */
export function startupNotices(
  { settings, modifiedAt }: Pick<ScenarioConfig, 'settings' | 'modifiedAt'>,
  now: number,
): readonly Notice[] {
  const { server } = settings;
  const notices: Notice[] = [note(posture(settings))];
  const warnAbout = (text: string): number => notices.push({ level: 'warning', text });
  const demo = server.auth.bearerTokens.filter((token) => DEMO_TOKENS.has(sha256(token)));
  if (demo.length > 0) {
    warnAbout(
      'THE DEMO TOKEN OF A PRESET IS ACTIVE. Everybody knows it: whoever reaches this server may use it. ' +
        'Replace server.auth.bearer_tokens and the matching principal before anything real.',
    );
  }
  if (server.auth.mode === 'local_only') {
    notices.push(note('callers on this machine need no credentials, and no others are let in'));
  }
  const { acl } = settings.schemaRegistry;
  if (acl.allowLocalOnly) {
    const text = 'callers on this machine may use the schema registry without a role';
    if (server.auth.mode === 'local_only') notices.push(note(text));
    else warnAbout(`${text}, although server.auth asks for credentials`);
  }
  if (!settings.validation.strict) {
    warnAbout('validation.strict is off: comparators may not fit what their checks give');
  }
  if (settings.dev.permissive && settings.dev.permissiveWarn) {
    warnAbout(
      `dev.permissive is on: evidence that callers assert is accepted${ttl(settings, modifiedAt, now)}`,
    );
  }
  if (server.bind !== undefined && !isLoopback(server.bind.host)) warnAbout(exposure(server));
  return notices;
}

function note(text: string): Notice {
  return { level: 'note', text };
}

function posture({ server, trust, dev, namespace, evidence }: ScenarioSettings): string {
  const parts = [
    `transport ${server.transport}`,
    `auth ${server.auth.mode}`,
    `lane ${dev.permissive ? 'asserted' : trust.minLane}`,
    `namespace 1 ${namespace.allowDefault ? `for tenants ${namespace.defaultTenants.join(', ')}` : 'closed'}`,
    `raw evidence ${evidence.allowRawValues ? 'shown' : 'hidden'}`,
  ];
  return `security posture: ${parts.join('; ')}`;
}

/** How long the permissive mode was meant to last, counted from the last change of the file. */
function ttl({ dev }: ScenarioSettings, modifiedAt: number, now: number): string {
  const { permissiveTtlDays } = dev;
  if (permissiveTtlDays === undefined) return '';
  const days = (now - modifiedAt) / DAY_MS;
  return days > permissiveTtlDays
    ? `; it was meant for ${permissiveTtlDays} days and the file is ${Math.floor(days)} days old`
    : `, for ${permissiveTtlDays} days`;
}

function exposure({ bind, auth, tls, audit, rateLimit }: ScenarioSettings['server']): string {
  const limit =
    rateLimit === undefined
      ? 'no rate limit'
      : `rate limit ${rateLimit.maxRequests} per ${rateLimit.windowMs} ms`;
  const log = audit.enabled ? `audit to ${audit.path ?? 'stderr'}` : 'no audit';
  const parts = [
    `auth ${auth.mode}`,
    tls === undefined ? 'TLS ends before this server' : 'TLS ends here',
    log,
    limit,
  ];
  return `${bind?.host}:${bind?.port} is reached from other machines: ${parts.join('; ')}`;
}

function sha256(text: string): string {
  return createHash('sha256').update(text).digest('hex');
}
