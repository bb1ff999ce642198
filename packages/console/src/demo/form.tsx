import type { ComponentChildren, JSX } from 'preact';
import { ACTION_TYPES, type FieldName, type Form, LABELS, ORIGINS } from './request.ts';

interface FormProps {
  readonly form: Form;
  readonly atFault: ReadonlySet<FieldName>;
  readonly onChange: (form: Form) => void;
  readonly onCheck: () => void;
}

/** The message, the step, and a button that has them checked. */
export function CheckForm({ form, atFault, onChange, onCheck }: FormProps): JSX.Element {
  const set = (name: FieldName, value: string): void => onChange({ ...form, [name]: value });
  const field = { form, atFault, set };
  return (
    <form
      class="stack spaced"
      noValidate
      onSubmit={(event) => {
        event.preventDefault();
        onCheck();
      }}
    >
      <fieldset class="stack">
        <legend class="title">The message</legend>
        <div class="columns narrow">
          <TextLine {...field} name="senderName" />
          <TextLine {...field} name="senderEmail" />
        </div>
        <TextLine {...field} name="subject" />
        <TextArea {...field} name="body" rows={9}>
          As plain text, up to 4,000 characters.
        </TextArea>
      </fieldset>
      <fieldset class="stack">
        <legend class="title">What happens next</legend>
        <Choice {...field} name="actionType" options={ACTION_TYPES} />
        <TextArea {...field} name="draft" rows={3}>
          If something is written already: it is checked as your own statement.
        </TextArea>
        {form.draft !== '' && <Choice {...field} name="origin" options={ORIGINS} />}
      </fieldset>
      <details class="card fold">
        <summary>
          <span>
            Your side <span class="soft small">optional</span>
          </span>
        </summary>
        <div class="stack">
          <TextLine {...field} name="recipientEmail" />
          <TextLine {...field} name="ownDomains">
            Separated by commas.
          </TextLine>
          <TextLine {...field} name="protectedNames">
            Of people in your organisation, separated by commas.
          </TextLine>
        </div>
      </details>
      <div class="buttons">
        <button type="submit" class="main">
          Check this step
        </button>
        <span class="soft">Demo mode stores nothing: neither the text nor the decision.</span>
      </div>
    </form>
  );
}

interface FieldProps {
  readonly form: Form;
  readonly atFault: ReadonlySet<FieldName>;
  readonly set: (name: FieldName, value: string) => void;
  readonly name: FieldName;
  /** A remark below the label. */
  readonly children?: ComponentChildren;
}

/** What fields of all kinds have in common. */
function common({ form, atFault, set, name, children }: FieldProps) {
  return {
    id: name,
    value: form[name],
    'aria-invalid': atFault.has(name),
    'aria-describedby': children === undefined ? undefined : `${name}-hint`,
    onInput: (event: { readonly currentTarget: { readonly value: string } }) =>
      set(name, event.currentTarget.value),
  };
}

/** Nothing that is typed here is kept by the browser for another time. */
const UNKEPT = { autocomplete: 'off', spellcheck: false } as const;

function TextLine(props: FieldProps): JSX.Element {
  return <Labelled {...props} control={<input type="text" {...UNKEPT} {...common(props)} />} />;
}

function TextArea(props: FieldProps & { readonly rows: number }): JSX.Element {
  return (
    <Labelled
      {...props}
      control={<textarea class="prose" rows={props.rows} {...UNKEPT} {...common(props)} />}
    />
  );
}

function Choice(
  props: FieldProps & { readonly options: Readonly<Record<string, string>> },
): JSX.Element {
  return (
    <Labelled
      {...props}
      control={
        <select {...common(props)}>
          {Object.entries(props.options).map(([value, words]) => (
            <option key={value} value={value}>
              {words}
            </option>
          ))}
        </select>
      }
    />
  );
}

function Labelled({
  name,
  children,
  control,
}: FieldProps & { readonly control: JSX.Element }): JSX.Element {
  return (
    <div class="tight">
      <label for={name}>{LABELS[name]}</label>
      {control}
      {children !== undefined && (
        <p class="hint" id={`${name}-hint`}>
          {children}
        </p>
      )}
    </div>
  );
}
