import { rpcFail, rpcOk } from '@countersign/contract';
import { searchDocs } from '../../../service/scenario/docs.ts';
import { readArguments } from '../arguments.ts';
import type { Resources } from '../door.ts';
import { invalidParams, type ToolsOf } from '../tool.ts';
import type { ToolParts } from '../tool-parts.ts';

/** Searching the documents of the server. */
export function docsTools({ ports, docs }: ToolParts): ToolsOf<'decision_gate_docs_search'> {
  const { maxSections } = ports.settings.docs;
  return {
    async decision_gate_docs_search(args) {
      const read = readArguments(args, (from) => ({
        query: from.text('query'),
        asked: from.integerOrAbsent('max_sections'),
      }));
      if (!read.ok) return read;
      const { query, asked } = read.value;
      if (asked !== undefined && asked < 0) {
        return invalidParams('/max_sections: expected an integer from 0 on');
      }
      return rpcOk(searchDocs(docs, query, asked, maxSections));
    },
  };
}

const PREFIX = 'decision-gate://docs/';
const MEDIA_TYPE = 'text/markdown';

/** The documents as resources; `undefined` where they are not served. */
export function docsResources({ ports, docs }: ToolParts): Resources | undefined {
  const { enabled, enableResources } = ports.settings.docs;
  if (!enabled || !enableResources) return undefined;
  return {
    list: () =>
      docs.map(({ uri, title, role }) => ({
        uri,
        name: title,
        description: `${title} (${role})`,
        mimeType: MEDIA_TYPE,
      })),
    read(uri) {
      if (!uri.startsWith(PREFIX)) {
        return invalidParams(`resource uri must start with ${PREFIX}`);
      }
      const doc = docs.find((one) => one.uri === uri);
      return doc === undefined
        ? rpcFail('invalid_params', `unknown resource uri: ${uri}`)
        : rpcOk([{ uri, mimeType: MEDIA_TYPE, text: doc.text }]);
    },
  };
}
