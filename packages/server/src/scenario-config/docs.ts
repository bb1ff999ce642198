import { each, or, plain } from './reader.ts';
import { flag, integer, path } from './values.ts';

const EXTRA_PATHS_MAX = 64;

/** `[docs]`: what callers may read and search about the server. */
export const DOCS = plain({
  enabled: or(true, flag),
  enable_search: or(true, flag),
  enable_resources: or(true, flag),
  include_default_docs: or(true, flag),
  extra_paths: each(path, EXTRA_PATHS_MAX),
  max_doc_bytes: or(262_144, integer(1, 1_048_576)),
  max_total_bytes: or(1_048_576, integer(1, 8_388_608)),
  max_docs: or(32, integer(1, 256)),
  max_sections: or(10, integer(1, 10)),
});
