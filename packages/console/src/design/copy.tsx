import type { JSX } from 'preact';
import { useState } from 'preact/hooks';

/** A text to be used elsewhere, with a button that copies it where the browser allows that. */
export function CopyText({
  text,
  label,
}: {
  readonly text: string;
  readonly label: string;
}): JSX.Element {
  const [said, say] = useState('');
  const copy = (): void => {
    navigator.clipboard.writeText(text).then(
      () => say('Copied'),
      () => say('Your browser did not allow that: select the text instead'),
    );
  };
  return (
    <div class="tight">
      <pre>
        <code>{text}</code>
      </pre>
      {'clipboard' in navigator && (
        <div class="buttons">
          <button type="button" onClick={copy}>
            {label}
          </button>
          <span class="soft small" role="status">
            {said}
          </span>
        </div>
      )}
    </div>
  );
}
