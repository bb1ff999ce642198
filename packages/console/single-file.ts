import { createHash } from 'node:crypto';
import type { Plugin } from 'vite';

/**
 * Puts script and style into the page itself, and before them a policy that allows those two texts, by their hashes,
 * and nothing else: no connection, no other script, no form.
 */
export function singleFile(): Plugin {
  return {
    name: 'single-file',
    enforce: 'post',
    generateBundle(_options, bundle) {
      const files = Object.values(bundle);
      const page = files.find(({ fileName }) => fileName.endsWith('.html'));
      const [script, ...others] = files.filter((file) => file.type === 'chunk');
      const styles = files.filter(({ fileName }) => fileName.endsWith('.css'));
      if (page?.type !== 'asset' || script === undefined || others.length > 0) {
        throw new Error('the verifier file is one page with one script');
      }
      // Within strings and patterns of a script `\x3C` is `<`, and cannot end the element.
      const code = script.code.replaceAll(/<(?=\/script|!--)/gi, '\\x3C');
      const css = styles.map((file) => (file.type === 'asset' ? String(file.source) : '')).join('');
      const policy = [
        "default-src 'none'",
        `script-src '${hashOf(code)}'`,
        `style-src '${hashOf(css)}'`,
        'img-src data:',
        "connect-src 'none'; base-uri 'none'; form-action 'none'",
      ].join('; ');
      const html = String(page.source)
        .replaceAll(/<script type="module"[^>]*><\/script>|<link rel="stylesheet"[^>]*>/g, '')
        .replace(
          '<head>',
          `<head>\n<meta http-equiv="Content-Security-Policy" content="${policy}">`,
        )
        .replace('</head>', () => `<style>${css}</style>\n</head>`)
        .replace('</body>', () => `<script type="module">${code}</script>\n</body>`);
      page.source = html;
      for (const { fileName } of [script, ...styles]) delete bundle[fileName];
    },
  };
}

function hashOf(text: string): string {
  return `sha256-${createHash('sha256').update(text).digest('base64')}`;
}
