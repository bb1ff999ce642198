// @ts-check

/** A question that cannot be answered. The code is what gates, logs and people see. */
export class CheckFault extends Error {
  /**
   * @param {string} code lower-case words, such as `date_malformed`
   * @param {string} message one sentence without secrets: it is recorded
   */
  constructor(code, message) {
    super(message);
    this.code = code;
  }
}

/**
 * @typedef {object} Answer
 * @property {unknown} value what the condition compares; it follows the check's `result_schema`
 * @property {string} anchor where exactly it comes from, so that a reviewer can look there
 */

/** Days on which nobody works, for the example below. Replace this with a call of your own system. */
const HOLIDAYS = new Set(['2026-01-01', '2026-12-25']);

/**
 * The checks of this provider, by `check_id`. One entry here is one entry in `contract.json`.
 *
 * A check is asked with the `params` of a condition and the context of the run. It may be asynchronous. Throw a
 * `CheckFault` when there is no answer: the condition is then unknown, and its gate stays shut.
 *
 * @type {Readonly<Record<string, (params: Readonly<Record<string, unknown>>, context: Readonly<Record<string, unknown>>) => Answer | Promise<Answer>>>}
 */
export const checks = {
  is_business_day({ date }) {
    const day = typeof date === 'string' && /^\d{4}-\d{2}-\d{2}$/.test(date) ? new Date(date) : NaN;
    if (Number.isNaN(Number(day))) {
      throw new CheckFault('date_malformed', 'params.date is a day, YYYY-MM-DD');
    }
    const weekday = /** @type {Date} */ (day).getUTCDay();
    const works = weekday !== 0 && weekday !== 6 && !HOLIDAYS.has(String(date));
    return { value: works, anchor: String(date) };
  },
};
