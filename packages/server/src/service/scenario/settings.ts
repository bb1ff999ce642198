import type { scenario } from '@countersign/policy';

export type FeedbackLevel = 'summary' | 'trace' | 'evidence';

/** Who signs the evidence of a provider: nobody has to, or one of these keys. */
export type SignaturePolicy =
  | { readonly kind: 'audit' }
  | { readonly kind: 'require_signature'; readonly keys: readonly string[] };

export interface RoleGrant {
  readonly name: string;
  /** Absent: any. */
  readonly tenantId?: scenario.Int | undefined;
  readonly namespaceId?: scenario.Int | undefined;
}

export interface PrincipalSettings {
  readonly subject: string;
  readonly policyClass?: string | undefined;
  readonly roles: readonly RoleGrant[];
}

export interface TlsSettings {
  readonly certPath: string;
  readonly keyPath: string;
  readonly clientCaPath?: string | undefined;
  readonly requireClientCert: boolean;
}

export interface RateLimitSettings {
  readonly maxRequests: number;
  readonly windowMs: number;
  readonly maxEntries: number;
}

export interface SqliteSettings {
  readonly path: string;
  readonly busyTimeoutMs: number;
  readonly journalMode: 'wal' | 'delete';
  readonly syncMode: 'full' | 'normal';
}

export interface AclRule {
  readonly effect: 'allow' | 'deny';
  readonly actions: readonly ('register' | 'list' | 'get')[];
  readonly tenants: readonly scenario.Int[];
  readonly namespaces: readonly scenario.Int[];
  readonly subjects: readonly string[];
  readonly roles: readonly string[];
  readonly policyClasses: readonly string[];
}

export type ProviderSettings = {
  readonly name: string;
  readonly trust?: SignaturePolicy | undefined;
  readonly allowRaw: boolean;
} & (
  | { readonly type: 'builtin'; readonly config: BuiltinConfig }
  | {
      readonly type: 'mcp';
      /** Empty: over HTTP. */
      readonly command: readonly string[];
      readonly url?: string | undefined;
      readonly allowInsecureHttp: boolean;
      readonly capabilitiesPath: string;
      readonly bearerToken?: string | undefined;
      readonly connectTimeoutMs: number;
      readonly requestTimeoutMs: number;
      /** Best lane that the provider may claim. */
      readonly laneMax: scenario.TrustLane;
    }
);

export type BuiltinConfig =
  | { readonly kind: 'time'; readonly allowLogical: boolean }
  | {
      readonly kind: 'env';
      readonly allowlist?: readonly string[] | undefined;
      readonly denylist: readonly string[];
      readonly maxValueBytes: number;
      readonly maxKeyBytes: number;
      /** Takes the place of the process environment. */
      readonly overrides?: Readonly<Record<string, string>> | undefined;
    }
  | {
      readonly kind: 'json';
      readonly root: string;
      readonly rootId: string;
      readonly maxBytes: number;
      readonly allowYaml: boolean;
    }
  | {
      readonly kind: 'http';
      readonly allowHttp: boolean;
      readonly timeoutMs: number;
      readonly maxResponseBytes: number;
      readonly allowedHosts?: readonly string[] | undefined;
      readonly userAgent: string;
      /** Targets on loopback, private and link-local addresses are refused unless this is set. */
      readonly allowPrivate: boolean;
    };

/** Everything that the scenario door can be told: a `decision-gate.toml` after reading. */
export interface ScenarioSettings {
  readonly server: {
    readonly transport: 'stdio' | 'http' | 'sse';
    readonly tlsTermination: 'server' | 'upstream';
    readonly bind?: { readonly host: string; readonly port: number } | undefined;
    readonly maxBodyBytes: number;
    readonly maxInflight: number;
    readonly rateLimit?: RateLimitSettings | undefined;
    readonly tls?: TlsSettings | undefined;
    readonly audit: {
      readonly enabled: boolean;
      readonly path?: string | undefined;
      readonly logPrecheckPayloads: boolean;
    };
    readonly feedback: {
      readonly default: FeedbackLevel;
      readonly localOnlyDefault: FeedbackLevel;
      readonly max: FeedbackLevel;
      readonly traceSubjects: readonly string[];
      readonly traceRoles: readonly string[];
      readonly evidenceSubjects: readonly string[];
      readonly evidenceRoles: readonly string[];
    };
    readonly tools: {
      readonly mode: 'filter' | 'passthrough';
      readonly allowlist: readonly string[];
      readonly denylist: readonly string[];
    };
    readonly auth: {
      readonly mode: 'local_only' | 'bearer_token' | 'mtls';
      readonly bearerTokens: readonly string[];
      readonly mtlsSubjects: readonly string[];
      readonly allowedTools: readonly string[];
      readonly principals: readonly PrincipalSettings[];
      /** Whether a principal may only name tenants and namespaces that one of its roles covers. */
      readonly bindTenants: boolean;
    };
    /** Serves `GET /metrics` beside the door. */
    readonly metrics: boolean;
  };
  readonly namespace: {
    readonly allowDefault: boolean;
    readonly defaultTenants: readonly scenario.Int[];
    readonly assetCore?:
      | {
          readonly baseUrl: string;
          readonly authToken?: string | undefined;
          readonly connectTimeoutMs: number;
          readonly requestTimeoutMs: number;
        }
      | undefined;
  };
  readonly dev: {
    readonly permissive: boolean;
    readonly permissiveTtlDays?: number | undefined;
    readonly permissiveWarn: boolean;
    readonly permissiveExemptProviders: readonly string[];
  };
  readonly trust: { readonly defaultPolicy: SignaturePolicy; readonly minLane: scenario.TrustLane };
  readonly evidence: { readonly allowRawValues: boolean; readonly requireProviderOptIn: boolean };
  readonly anchors: scenario.AnchorPolicy;
  readonly providerDiscovery: {
    readonly allowlist: readonly string[];
    readonly denylist: readonly string[];
    readonly maxResponseBytes: number;
  };
  readonly validation: {
    readonly strict: boolean;
    readonly enableLexicographic: boolean;
    readonly enableDeepEquals: boolean;
  };
  readonly providers: readonly ProviderSettings[];
  readonly runStateStore:
    | { readonly type: 'memory' }
    | ({ readonly type: 'sqlite'; readonly maxVersions?: number | undefined } & SqliteSettings);
  readonly schemaRegistry: {
    readonly store: { readonly type: 'memory' } | ({ readonly type: 'sqlite' } & SqliteSettings);
    readonly maxSchemaBytes: number;
    readonly maxEntries?: number | undefined;
    readonly acl: {
      readonly mode: 'builtin' | 'custom';
      readonly default: 'deny' | 'allow';
      readonly allowLocalOnly: boolean;
      readonly requireSigning: boolean;
      readonly rules: readonly AclRule[];
    };
  };
  readonly runpackStorage?:
    | {
        readonly bucket: string;
        readonly region?: string | undefined;
        readonly endpoint?: string | undefined;
        readonly prefix?: string | undefined;
        readonly forcePathStyle: boolean;
        readonly allowHttp: boolean;
      }
    | undefined;
  /** Directory that paths of runpacks named by callers must stay in; absent: anywhere. */
  readonly runpackRoot?: string | undefined;
  readonly docs: {
    readonly enabled: boolean;
    readonly enableSearch: boolean;
    readonly enableResources: boolean;
    readonly includeDefaultDocs: boolean;
    readonly extraPaths: readonly string[];
    readonly maxDocBytes: number;
    readonly maxTotalBytes: number;
    readonly maxDocs: number;
    readonly maxSections: number;
  };
  readonly dispatch: scenario.DispatchPolicy;
}

/** The lanes that settings ask for, before a specification is looked at. */
export function trustPolicyOf(settings: ScenarioSettings): scenario.TrustPolicy {
  const { permissive, permissiveExemptProviders } = settings.dev;
  const { minLane } = settings.trust;
  if (!permissive) return { minLane, byProvider: new Map() };
  return {
    minLane: 'asserted',
    byProvider: new Map(permissiveExemptProviders.map((provider) => [provider, minLane])),
  };
}

/** Whether a role holds for a tenant and a namespace; one that names a tenant does not cover all of them. */
export function roleCovers(
  role: RoleGrant,
  tenant: scenario.Int | null,
  namespace: scenario.Int,
): boolean {
  const within = (granted: scenario.Int | undefined, wanted: scenario.Int | null): boolean =>
    granted === undefined || (wanted !== null && BigInt(granted) === BigInt(wanted));
  return within(role.tenantId, tenant) && within(role.namespaceId, namespace);
}
