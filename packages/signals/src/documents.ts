import type { Findings } from './findings.ts';
import { submittedSpan } from './mapped-text.ts';
import type { Communication, Direction, Span } from './model.ts';
import type { Reading } from './reading.ts';

/** Looks at what comes attached, by name and digest. Nothing is opened. */
export function findDocuments(
  readings: readonly Reading[],
  communication: Communication,
  findings: Findings,
): void {
  const report = (
    code: string,
    pointer: string,
    span: Span | null = null,
    direction: Direction = 'inbound',
  ): void => {
    findings.add({
      code,
      pointer,
      span,
      segment: 'link',
      direction,
      view: span === null ? 'struct' : 'V1',
      detector: 'documents',
    });
  };
  const files = filesOf(communication);
  for (const { name, pointer } of files) {
    if (isDangerous(name)) report('credential.dangerous_attachment', pointer);
  }
  for (const { kind, pointer, direction, readings: texts } of readings) {
    if (kind !== 'body' && kind !== 'forwarded' && kind !== 'hidden') continue;
    const { plain } = texts;
    const named = NAMED_IN_TEXT.exec(plain.text);
    if (named !== null && ATTACHED.test(plain.text)) {
      const span = submittedSpan(plain, named.index, named.index + named[0].length);
      report('credential.dangerous_attachment', pointer, span, direction);
    }
    const opened = files.some(({ locked }) => locked) ? PASSWORD.exec(plain.text) : null;
    if (opened !== null) {
      const span = submittedSpan(plain, opened.index, opened.index + opened[0].length);
      report('credential.dangerous_attachment', pointer, span, direction);
    }
  }
  for (const pointer of changedIn(files)) report('signature.version_change', pointer);
}

interface File {
  readonly name: string;
  readonly pointer: string;
  readonly sha256: string | undefined;
  /** Nobody can look into it without a password, or it is of a kind that is sent in that way. */
  readonly locked: boolean;
}

const ARCHIVE = /\.(?:zip|rar|7z|ace|arj|gz|tgz)\s*$/i;

function filesOf({ documents, documents_referenced }: Communication): readonly File[] {
  const files: File[] = [];
  for (const [i, { name = '', sha256, encrypted }] of (documents ?? []).entries()) {
    const locked = encrypted === true || ARCHIVE.test(name);
    files.push({ name, pointer: `/documents/${i}`, sha256, locked });
  }
  for (const [i, one] of (documents_referenced ?? []).entries()) {
    const name = typeof one === 'string' ? one : 'name' in one ? one.name : one.text;
    const sha256 = typeof one === 'object' && 'sha256' in one ? one.sha256 : undefined;
    files.push({
      name,
      pointer: `/documents_referenced/${i}`,
      sha256,
      locked: ARCHIVE.test(name),
    });
  }
  return files;
}

const RUNNING =
  'exe|scr|js|jse|vbs|vbe|wsf|wsh|hta|bat|cmd|ps1|psm1|msi|msix|appx|jar|lnk|url|iso|img|vhd|vhdx|dmg|docm|dotm|xlsm|xlam|xltm|pptm|ppam|html?|shtml|xhtml|mht|svg|one|cpl|com|pif|reg|chm|scf|apk|app|command|sh';
const DANGEROUS = new RegExp(`\\.(?:${RUNNING})$`, 'i');
/** A document by its first ending; what opens it is the second, unless that is a document as well. */
const DOUBLE =
  /\.(?:pdf|docx?|xlsx?|pptx?|jpe?g|png|txt|rtf|csv)\.(?!(?:pdf|docx?|xlsx?|pptx?|jpe?g|png|txt|rtf|csv|asc|sig|p7s|bak)$)[a-z0-9]{2,5}$/i;

/** Names of files that run something when they are opened, however their ending is kept from sight. */
function isDangerous(name: string): boolean {
  const shown = name
    .normalize('NFKC')
    .replaceAll(/[\p{Default_Ignorable_Code_Point}\p{Cc}]|[\u202a-\u202e\u2066-\u2069]/gu, '')
    .replace(/[\s.]+$/, '');
  return DANGEROUS.test(shown) || DOUBLE.test(shown);
}

const NAMED_IN_TEXT =
  /(?<![\w/.@-])[\w-]{1,80}(?:\.(?:pdf|docx?|xlsx?))?\.(?:exe|scr|vbs|hta|bat|js|iso|lnk|docm|xlsm)\b/i;
/** Words between which a file name stands as an attachment rather than as a topic. */
const ATTACHED =
  /\b(?:attach\w*|enclosed|open|download|anbei|anhang|ci-joint|adjunt\w*|allegat\w*|bijlage|anexo)\b/i;
const PASSWORD =
  /(?<!\p{L})(?:password|passcode|passwort|kennwort|mot de passe|contraseña|senha|wachtwoord|hasło|lösenord|adgangskode|passord)(?!\p{L})[^\n.]{0,40}?[:=\s]\s*\S{3,64}/iu;

/** Places of files that bear the name of another one while they are not the same. */
function changedIn(files: readonly File[]): readonly string[] {
  const digests = new Map<string, string>();
  const changed: string[] = [];
  for (const { name, sha256, pointer } of files) {
    if (name === '' || sha256 === undefined) continue;
    const key = name.trim().toLowerCase();
    const other = digests.get(key);
    if (other === undefined) digests.set(key, sha256.toLowerCase());
    else if (other !== sha256.toLowerCase()) changed.push(pointer);
  }
  return changed;
}
