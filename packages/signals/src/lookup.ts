/**
 * Whether an account is one that money has been sent to before; `undefined`: there is no list. Accounts are compared by
 * keyed digests, which whoever holds the key makes.
 */
export type AccountLookup = (identifier: string) => boolean | undefined;
