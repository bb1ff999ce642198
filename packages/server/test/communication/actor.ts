/** An actor who may do everything. */
export const ACTOR = { id: 'agent.one', token: `gt_test_${'t'.repeat(40)}` };
