import { type ComponentChildren, type JSX, render } from 'preact';

const PAGES = [
  { path: '/', name: 'Start' },
  { path: '/verify', name: 'Verify' },
  { path: '/playground', name: 'Playground' },
  { path: '/demo', name: 'Demo' },
] as const;

interface PageProps {
  readonly title: string;
  readonly lead: ComponentChildren;
  /** Path of this page among the hosted ones; a file that stands alone has none and links to none. */
  readonly path?: (typeof PAGES)[number]['path'];
  readonly children: ComponentChildren;
}

/** The frame that every page has: skip link, header, main part, footer. */
export function Page({ title, lead, path, children }: PageProps): JSX.Element {
  return (
    <>
      <a class="skip" href="#main">
        Skip to content
      </a>
      <header class="top">
        <div class="frame">
          {path === undefined ? (
            <span class="brand">
              <Seal /> Countersign
            </span>
          ) : (
            <a class="brand" href="/">
              <Seal /> Countersign
            </a>
          )}
          {path !== undefined && (
            <nav aria-label="Pages">
              <ul>
                {PAGES.map((page) => (
                  <li key={page.path}>
                    <a href={page.path} aria-current={page.path === path ? 'page' : undefined}>
                      {page.name}
                    </a>
                  </li>
                ))}
              </ul>
            </nav>
          )}
        </div>
      </header>
      <main id="main" class="frame stack-wide" tabIndex={-1}>
        <div class="stack">
          <h1>{title}</h1>
          <p class="lead">{lead}</p>
        </div>
        {children}
      </main>
      <footer class="bottom">
        <div class="frame">
          Countersign decides by a versioned policy and signs what it decided. Apache-2.0.
        </div>
      </footer>
    </>
  );
}

/** Puts a page into the document. */
export function show(page: JSX.Element): void {
  const place = document.getElementById('page');
  if (place === null) throw new Error('bug: the document has no place for a page');
  render(page, place);
}

function Seal(): JSX.Element {
  return (
    <svg viewBox="0 0 24 24" width="26" height="26" aria-hidden="true">
      <path d="M12 2a10 10 0 1 0 0 20a10 10 0 0 0 0-20z" fill="currentColor" />
      <path
        d="m7 12.4 3.4 3.4L17 9.2"
        fill="none"
        stroke="var(--surface)"
        stroke-width="2.2"
        stroke-linecap="round"
        stroke-linejoin="round"
      />
    </svg>
  );
}
