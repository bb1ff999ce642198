import type { JSX } from 'preact';

/** A sentence of the server, in which backticks set off names. */
export function Prose({ text }: { readonly text: string }): JSX.Element {
  const parts = text.split('`');
  return <>{parts.map((part, at) => (at % 2 === 1 ? <code key={at}>{part}</code> : part))}</>;
}
