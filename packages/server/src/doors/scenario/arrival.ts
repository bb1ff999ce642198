/** What a transport knows of a request beside its body. */
export interface RpcArrival {
  readonly transport: 'http' | 'sse' | 'stdio' | 'mcp';
  /** Address of the socket's other end. */
  readonly peerIp: string | null;
  /** By lower-case name. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** Subject of a certificate that the transport has verified. */
  readonly verifiedSubject?: string | undefined;
}

/** One answer of the door, whatever carries it. */
export interface RpcReply {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  /** A JSON-RPC response on one line. */
  readonly text: string;
}

/** A body as it arrived, or that the transport stopped reading it at the limit. */
export type RpcBody = Uint8Array | 'too_large';

/** One JSON-RPC request in, one response out. It never rejects. */
export type Rpc = (body: RpcBody, arrival: RpcArrival) => Promise<RpcReply>;

/** What a request is called in headers and audit. */
export interface CorrelationIds {
  /** As the caller sent it; checked. */
  readonly correlationId: string | null;
  readonly serverCorrelationId: string;
}
