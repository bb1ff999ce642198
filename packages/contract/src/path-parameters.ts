/** Form of each parameter of a path. What does not fit names nothing that is here. */
export const PARAMETERS = {
  id: /^dec_[A-Za-z0-9_]{4,600}$/,
  policy_id: /^[a-z][a-z0-9_.:-]{1,119}$/,
  version: /^[A-Za-z0-9][A-Za-z0-9._:+-]{0,79}$/,
  chain_id: /^chain_[0-9a-f]{32}$/,
  rulebook_id: /^[\x21-\x7e]{1,80}$/,
} as const satisfies Readonly<Record<string, RegExp>>;
