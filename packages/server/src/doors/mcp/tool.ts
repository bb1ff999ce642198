import type { ToolAnnotations } from '@modelcontextprotocol/server';

/** A JSON Schema (draft 2020-12). */
export type Schema = Readonly<Record<string, unknown>>;

/** What a tool learns of a request beside its arguments. */
export interface McpArrival {
  /** `http`: over a socket. `stdio`: from the process that started this one. */
  readonly transport: 'http' | 'stdio';
  readonly peerIp: string | null;
  /** By lower-case name; on stdio those that the process was started with. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  /** JSON text of the request's id. */
  readonly requestId: string;
}

/** A refusal as agents read it. Further members belong to the door that refused. */
export interface ToolFault {
  readonly code: string;
  readonly message: string;
  /** Whether the same call may be answered later. */
  readonly retryable: boolean;
}

export type ToolAnswer =
  | {
      readonly ok: true;
      /** A JSON object. */
      readonly text: string;
    }
  | { readonly ok: false; readonly fault: ToolFault }
  /** There is no such tool for this caller. */
  | { readonly ok: false; readonly fault: 'unknown_tool' };

/** One tool as standard clients see it, whichever door is behind it. */
export interface McpTool {
  readonly title: string;
  readonly description: string;
  readonly inputSchema: Schema;
  /** Of the structured content of an answer that is no refusal. */
  readonly outputSchema?: Schema | undefined;
  readonly annotations: ToolAnnotations;
  /** `argumentsText`: the arguments as JSON, each number as it was written. */
  call(argumentsText: string, arrival: McpArrival): Promise<ToolAnswer>;
}

export type McpTools = ReadonlyMap<string, McpTool>;
