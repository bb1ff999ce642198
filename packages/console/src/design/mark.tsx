import type { ComponentChildren, JSX } from 'preact';

/** How something stands. Each tone has a shape and comes with a word: colour never says it alone. */
export type Tone = 'pass' | 'fail' | 'caution' | 'none';

const SHAPES = {
  pass: 'M12 2.5a9.5 9.5 0 1 0 0 19a9.5 9.5 0 0 0 0-19zM7.5 12.3l3.2 3.2L16.6 9.2',
  fail: 'M12 2.5a9.5 9.5 0 1 0 0 19a9.5 9.5 0 0 0 0-19zM8.6 8.6l6.8 6.8M15.4 8.6l-6.8 6.8',
  caution: 'M12 3.2L22 20.5H2zM12 9.8v5M12 17.4v.4',
  none: 'M12 2.5a9.5 9.5 0 1 0 0 19a9.5 9.5 0 0 0 0-19zM8 12h8',
} as const satisfies Record<Tone, string>;

function Icon({ tone }: { readonly tone: Tone }): JSX.Element {
  return (
    <svg viewBox="0 0 24 24" width="20" height="20" aria-hidden="true">
      <path
        d={SHAPES[tone]}
        fill="none"
        stroke="currentColor"
        stroke-width="2"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}

/** An icon and the word for it. */
export function Mark(props: {
  readonly tone: Tone;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <span class={`mark ${props.tone}`}>
      <Icon tone={props.tone} />
      <span>{props.children}</span>
    </span>
  );
}

/** A passage that stands out. Whether it is announced is its container's business. */
export function Notice(props: {
  readonly tone: Tone;
  readonly class?: string;
  readonly children: ComponentChildren;
}): JSX.Element {
  return (
    <div class={`notice ${props.tone} ${props.class ?? ''}`}>
      <Icon tone={props.tone} />
      <div class="tight">{props.children}</div>
    </div>
  );
}
