import { timingSafeEqual } from 'node:crypto';
import type { Actor, ActorStore, ActorToken } from '../../service/ports.ts';

const ACTOR_ID = /^[A-Za-z0-9_.:@-]{1,128}$/;
const TOKEN = /^gt_(test|live)_[\x21-\x7e]{24,248}$/;
/** How often it is noted that a token was used. */
const USE_NOTED_MS = 60_000;

export interface ActorOptions {
  readonly store: ActorStore;
  /** Digest of a token, as the store has it. */
  readonly digest: (token: string) => string;
  readonly environment: 'test' | 'live';
  readonly now: () => number;
}

/** Who asks, and whether somebody has suspended them. */
export type Known = Actor & { readonly suspended: boolean };

type Headers = Readonly<Record<string, string | readonly string[] | undefined>>;

/** Finds actors by their two headers. Whatever is wrong with those, the answer is the same. */
export function actors({ store, digest, environment, now }: ActorOptions): {
  authenticate(headers: Headers): Promise<Known | undefined>;
} {
  const noted = new Map<string, number>();
  const noteUse = async ({ id }: ActorToken): Promise<void> => {
    const at = now();
    if (at - (noted.get(id) ?? 0) < USE_NOTED_MS) return;
    noted.set(id, at);
    await store.noteActorUse(id, new Date(at).toISOString());
  };
  return {
    async authenticate(headers) {
      const actorId = headers['x-cosy-actor-id'];
      const token = headers['x-cosy-actor-token'];
      if (typeof actorId !== 'string' || typeof token !== 'string') return undefined;
      if (!ACTOR_ID.test(actorId) || TOKEN.exec(token)?.[1] !== environment) return undefined;
      // The store looks the token up by its digest, so nothing here takes longer for a better guess.
      const found = await store.findActorToken(digest(token));
      if (found === undefined || !equal(found.actorId, actorId)) return undefined;
      if (found.environment !== environment || found.state === 'revoked') return undefined;
      if (found.expiresAt !== undefined && Date.parse(found.expiresAt) <= now()) return undefined;
      await noteUse(found);
      return {
        tenant: found.tenant,
        actorId: found.actorId,
        tokenId: found.id,
        tokenFingerprint: found.hash.slice(0, 16),
        scopes: found.scopes,
        suspended: found.state === 'suspended',
      };
    },
  };
}

function equal(a: string, b: string): boolean {
  const [one, two] = [Buffer.from(a), Buffer.from(b)];
  return one.length === two.length && timingSafeEqual(one, two);
}
