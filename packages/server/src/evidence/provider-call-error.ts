/** A call that came to nothing, in the words that are recorded. */
export class ProviderCallError extends Error {
  /** The same question may be asked again: nothing well formed came back. */
  readonly transient: boolean;

  constructor(message: string, transient: boolean) {
    super(message);
    this.transient = transient;
  }
}
