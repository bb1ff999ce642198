/** Something to do when what was begun stops. */
export type Ending = () => unknown;

/** What was begun last ends first, and one that fails keeps none of the others from ending. */
export async function endAll(endings: readonly Ending[]): Promise<void> {
  const failures: unknown[] = [];
  for (const end of endings.toReversed()) {
    try {
      await end();
    } catch (error) {
      failures.push(error);
    }
  }
  if (failures.length === 1) throw failures[0];
  if (failures.length > 1) throw new AggregateError(failures, 'several things did not end well');
}
