import { type Fault, fieldError, limits } from '@countersign/contract';
import type { Json } from '@countersign/policy';
import { isMembers } from '@countersign/proof';
import {
  type FieldFault,
  parseAdapterReference,
  type ReferenceFault,
} from '../../adapters/reference.ts';
import { inputFaults } from '../../adapters/run-adapter.ts';
import { BINDING_MODES, type BindingMode, bindingModeOf } from '../../service/rulebook-decision.ts';
import { adapterFault } from '../../service/rulebooks.ts';

type Body = Readonly<Record<string, unknown>>;

/** Binding modes of this form are safe to repeat to whoever sent them. */
const REPEATABLE = /^[a-z][a-z0-9_]{0,79}$/;

/** Refuses a request whose rules or facts come from elsewhere than they may, or than it says. */
export function screenRulebook(body: Body): Fault | undefined {
  const { binding_mode: mode } = body;
  if (typeof mode === 'string' && !isOffered(mode)) {
    return {
      code: 'RULEBOOK_BINDING_MODE_UNSUPPORTED',
      more: {
        ...(REPEATABLE.test(mode) ? { binding_mode: mode } : {}),
        supported_binding_modes: BINDING_MODES,
      },
    };
  }
  // What a request of another mode brings along of this is unknown to its schema.
  if (body['mode'] !== 'rulebook' && !Object.hasOwn(body, 'rulebook')) return undefined;
  const inferred = bindingModeOf(body);
  if (typeof mode === 'string' && mode !== inferred) {
    return {
      code: 'RULEBOOK_BINDING_MODE_CONFLICT',
      more: { binding_mode: mode, inferred_binding_mode: inferred },
    };
  }
  return Object.hasOwn(body, 'adapter') ? screenAdapter(body) : undefined;
}

function isOffered(mode: string): mode is BindingMode {
  return (BINDING_MODES as readonly string[]).includes(mode);
}

/** The reference first, then whether its input is the only one, then that input. */
function screenAdapter({ adapter, context }: Body): Fault | undefined {
  // The body was parsed from JSON.
  const reference = parseAdapterReference(adapter as Json);
  if (!reference.ok) return referenceFault(reference.fault);
  if (isMembers(context) && Object.hasOwn(context, 'inputs')) {
    return { code: 'TRUSTED_ADAPTER_INPUT_CONFLICT' };
  }
  const faults = inputFaults(reference.value);
  return faults.length === 0
    ? undefined
    : { code: 'TRUSTED_ADAPTER_INPUT_INVALID', fields: fieldsOf(faults) };
}

function referenceFault(fault: ReferenceFault): Fault {
  return fault.code === 'TRUSTED_ADAPTER_INVALID'
    ? { code: fault.code, fields: fieldsOf(fault.fields) }
    : adapterFault(fault);
}

function fieldsOf(faults: readonly FieldFault[]): ReturnType<typeof fieldError>[] {
  return faults
    .slice(0, limits.FIELD_ERRORS_MAX)
    .map(({ pointer, code }) => fieldError(`/adapter${pointer}`, code));
}
