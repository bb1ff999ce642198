import { createHash } from 'node:crypto';
import type { communication } from '@countersign/contract';

/** Style of the pages. It stands in them, named by its hash, so that a page is one answer. */
const STYLE = `
:root{color-scheme:light dark;--paper:#faf9f6;--sunken:#f2f0ea;--ink:#1d2326;--soft:#525b60;
--line:#dcd8ce;--accent:#1c5a55;--focus:#0b57d0;--mono:ui-monospace,"SF Mono",Menlo,Consolas,monospace}
@media (prefers-color-scheme:dark){:root{--paper:#121618;--sunken:#0e1214;--ink:#e8ebea;
--soft:#a9b3b4;--line:#313a3e;--accent:#86cfc6;--focus:#8ab4ff}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0 auto;max-width:46rem;padding:1rem clamp(1rem,4vw,2rem) 4rem;background:var(--paper);color:var(--ink);
font:1.0625rem/1.6 system-ui,-apple-system,"Segoe UI",Roboto,sans-serif;overflow-wrap:break-word}
h1,h2{font-family:Charter,"Iowan Old Style",Georgia,serif;line-height:1.2;text-wrap:balance}
h1{font-size:clamp(1.8rem,1.3rem + 2.4vw,2.5rem);margin:2rem 0 .75rem}
h2{font-size:1.4rem;margin:2.5rem 0 .75rem}
nav ul{display:flex;flex-wrap:wrap;gap:.25rem 1.25rem;margin:0;padding:0;list-style:none}
nav a{display:inline-block;padding:.4rem 0}
a{color:var(--accent);text-underline-offset:.15em}
a[aria-current]{color:var(--ink);text-decoration:none;font-weight:600}
:focus-visible{outline:3px solid var(--focus);outline-offset:2px}
.lead{font-size:1.15rem;color:var(--soft)}
li{margin:.35rem 0}
dl{margin:0}
dt{margin-top:1rem;font-weight:600}
dd{margin:.15rem 0 0}
code{font-family:var(--mono);font-size:.92em;background:var(--sunken);border-radius:.25rem;padding:.1em .3em}
pre{margin:0;padding:1rem;overflow-x:auto;background:var(--sunken);border:1px solid var(--line);border-radius:.6rem;line-height:1.4}
pre code{background:none;padding:0;font-size:.85rem}
`;

/** Pages load nothing and run nothing; their one style is named by its hash. */
export const GENIUS_PAGE_POLICY: string = [
  "default-src 'none'",
  `style-src 'sha256-${createHash('sha256').update(STYLE).digest('base64')}'`,
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

const PLACES = [
  ['/api', 'Overview'],
  ['/api/genius', 'For agents'],
  ['/api/quickstart', 'Quickstart'],
  ['/api/errors', 'Errors'],
  ['/demo', 'Demo'],
  ['/openapi.json', 'OpenAPI'],
  ['/llms.txt', 'llms.txt'],
] as const;

/** A page of the communication door as HTML. `path`: where it is served. */
export function renderPage(page: communication.Page, path: string): string {
  const places = PLACES.map(
    ([href, name]) =>
      `<li><a href="${href}"${href === path ? ' aria-current="page"' : ''}>${name}</a></li>`,
  ).join('');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>${escape(page.title)}</title>
<style>${STYLE}</style>
</head>
<body>
<header><nav aria-label="Pages"><ul>${places}</ul></nav></header>
<main>
<h1>${prose(page.title)}</h1>
<p class="lead">${prose(page.lead)}</p>
${page.sections.map(section).join('\n')}
</main>
</body>
</html>
`;
}

function section(one: communication.Section): string {
  const { id, title, text, items, steps, terms, code } = one;
  const heading = `${id}-heading`;
  return [
    `<section id="${id}" aria-labelledby="${heading}">`,
    `<h2 id="${heading}">${prose(title)}</h2>`,
    ...(text === undefined ? [] : [`<p>${prose(text)}</p>`]),
    ...(items === undefined ? [] : [`<ul>${lines('li', items)}</ul>`]),
    ...(steps === undefined ? [] : [`<ol>${lines('li', steps)}</ol>`]),
    ...(terms === undefined
      ? []
      : [
          `<dl>${terms.map((one) => lines('dt', [one.term]) + lines('dd', one.lines)).join('')}</dl>`,
        ]),
    // A block that scrolls sideways can be reached without a mouse.
    ...(code === undefined
      ? []
      : [
          `<pre tabindex="0" role="region" aria-label="${escape(title)}"><code>${escape(code)}</code></pre>`,
        ]),
    '</section>',
  ].join('\n');
}

function lines(tag: 'li' | 'dt' | 'dd', texts: readonly string[]): string {
  return texts.map((text) => `<${tag}>${prose(text)}</${tag}>`).join('');
}

/** Text in which backticks set off names. */
function prose(text: string): string {
  return escape(text).replace(/`([^`]+)`/g, '<code>$1</code>');
}

const ENTITIES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  "'": '&#39;',
};

function escape(text: string): string {
  return text.replace(/[&<>"']/g, (character) => ENTITIES[character] ?? '');
}
