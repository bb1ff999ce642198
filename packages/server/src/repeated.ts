/** Work that is done over and over. */
export interface Repeated {
  /** Resolves once nothing of it runs any more. */
  close(): Promise<void>;
}

/** Does `work` at once and then at intervals, never twice at a time; what goes wrong is tried again at the next. */
export function repeat(
  work: () => Promise<void>,
  everyMs: number,
  onError: (error: unknown) => void,
): Repeated {
  let running: Promise<void> | undefined;
  const turn = (): void => {
    running ??= work()
      .catch(onError)
      .finally(() => {
        running = undefined;
      });
  };
  turn();
  const timer = setInterval(turn, everyMs).unref();
  return {
    async close() {
      clearInterval(timer);
      await running;
    },
  };
}
