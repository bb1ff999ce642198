const PLACE = 'countersign.handover';

/** Leaves an answer for the verifier page of the same tab. `false`: this browser keeps nothing for pages. */
export function handOver(text: string): boolean {
  try {
    sessionStorage.setItem(PLACE, text);
    return true;
  } catch {
    return false;
  }
}

/** Takes what another page left, once. */
export function takeOver(): string | undefined {
  try {
    const text = sessionStorage.getItem(PLACE) ?? undefined;
    sessionStorage.removeItem(PLACE);
    return text;
  } catch {
    return undefined;
  }
}
