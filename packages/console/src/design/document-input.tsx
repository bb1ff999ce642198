import type { ComponentChildren, JSX } from 'preact';
import { useId, useState } from 'preact/hooks';

/** What a reader handed over: a pasted text, or a file as its bytes, which are not decoded on the way. */
export type Given =
  | { readonly from: 'paste'; readonly text: string }
  | { readonly from: 'file'; readonly name: string; readonly bytes: Uint8Array };

export const NOTHING: Given = { from: 'paste', text: '' };

export function isGiven(given: Given): boolean {
  return given.from === 'file' || given.text.trim() !== '';
}

/** The text, for people; what is no UTF-8 in it shows as �. */
export function textOf(given: Given): string {
  return given.from === 'paste' ? given.text : new TextDecoder().decode(given.bytes);
}

interface DocumentInputProps {
  readonly label: string;
  readonly hint: ComponentChildren;
  readonly placeholder: string;
  readonly rows: number;
  readonly value: Given;
  readonly onChange: (given: Given) => void;
  /** Buttons beside that for choosing a file. */
  readonly children?: ComponentChildren;
}

/** A field to paste into, to drop a file on, or to choose a file for. */
export function DocumentInput(props: DocumentInputProps): JSX.Element {
  const { label, hint, placeholder, rows, value, onChange } = props;
  const id = useId();
  const [over, setOver] = useState(false);
  const [fault, setFault] = useState('');
  const take = (file: File | null | undefined): void => {
    if (file === null || file === undefined) return;
    setFault('');
    file.arrayBuffer().then(
      (buffer) => onChange({ from: 'file', name: file.name, bytes: new Uint8Array(buffer) }),
      () => setFault('The browser could not read this file.'),
    );
  };
  const drag = (event: DragEvent): void => {
    event.preventDefault();
    setOver(event.type === 'dragover');
    if (event.type === 'drop') take(event.dataTransfer?.files[0]);
  };
  return (
    <div
      class={`drop stack ${over ? 'over' : ''}`}
      onDragOver={drag}
      onDragLeave={drag}
      onDrop={drag}
    >
      <div>
        <label for={value.from === 'paste' ? id : `${id}-file`}>{label}</label>
        <p class="hint" id={`${id}-hint`}>
          {hint}
        </p>
      </div>
      {value.from === 'paste' ? (
        <textarea
          id={id}
          rows={rows}
          spellcheck={false}
          autocomplete="off"
          placeholder={placeholder}
          aria-describedby={`${id}-hint`}
          value={value.text}
          onInput={(event) => onChange({ from: 'paste', text: event.currentTarget.value })}
        />
      ) : (
        <div class="chosen">
          <span>
            <strong>{value.name}</strong>{' '}
            <span class="soft">{value.bytes.length.toLocaleString('en')} bytes</span>
          </span>
          <button type="button" onClick={() => onChange(NOTHING)}>
            Remove
          </button>
        </div>
      )}
      <div class="buttons">
        <span>
          <input
            type="file"
            id={`${id}-file`}
            aria-label={`${label}: choose a file`}
            onChange={(event) => {
              take(event.currentTarget.files?.[0]);
              // The same file can then be chosen again after it was changed on disk.
              event.currentTarget.value = '';
            }}
          />
          <label class="button" for={`${id}-file`}>
            Choose a file
          </label>
        </span>
        {props.children}
      </div>
      {fault !== '' && <p role="alert">{fault}</p>}
    </div>
  );
}
