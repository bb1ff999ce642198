import { fromUtf8 } from '@countersign/proof';
import { type FileOptions, verifyFile } from '@countersign/verify';
import type { JSX } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';
import { DocumentInput, type Given, isGiven, NOTHING, textOf } from '../design/document-input.tsx';
import { describeJsonFault, readJson } from '../design/json-text.ts';
import { Notice } from '../design/mark.tsx';
import { membersOf } from '../design/member.ts';
import { type Found, Headline, Result } from './result.tsx';
import { readTrust } from './trust-text.ts';

interface VerifierProps {
  /** Text to begin with; it is verified at once. */
  readonly initial?: string | undefined;
  /** Asks the page's server for its key registry; a file that stands alone has no server. */
  readonly fetchRegistry?: () => Promise<string | undefined>;
}

/** What a reader hands over; one record, because a result holds for all of it or for none. */
interface Handed {
  readonly file: Given;
  readonly keys: Given;
  readonly input: Given;
  readonly checkpoint: Given;
  readonly consistency: Given;
  readonly replay: boolean;
}

type Shown =
  | { readonly kind: 'nothing' }
  | { readonly kind: 'fault'; readonly says: string }
  | ({ readonly kind: 'found' } & Found);

/** The form and the result below it. Verifying is a function call: nothing leaves the page. */
export function Verifier({ initial, fetchRegistry }: VerifierProps): JSX.Element {
  const [handed, setHanded] = useState<Handed>({
    file: initial === undefined ? NOTHING : { from: 'paste', text: initial },
    keys: NOTHING,
    input: NOTHING,
    checkpoint: NOTHING,
    consistency: NOTHING,
    replay: false,
  });
  const [shown, setShown] = useState<Shown>({ kind: 'nothing' });
  const [fetched, setFetched] = useState('');
  const results = useRef<HTMLDivElement>(null);

  const change = (changes: Partial<Handed>): void => {
    setHanded((before) => ({ ...before, ...changes }));
    // A result beside another file than the one it is about would be a lie.
    setShown({ kind: 'nothing' });
  };
  const check = (): void => {
    setShown(examine(handed));
    results.current?.scrollIntoView({ block: 'start' });
  };
  useEffect(() => {
    if (initial !== undefined) setShown(examine(handed));
  }, []);

  const trust = readTrust(textOf(handed.keys));
  return (
    <>
      <form
        class="stack-wide"
        onSubmit={(event) => {
          event.preventDefault();
          check();
        }}
      >
        <div class="columns">
          <DocumentInput
            label="The file to check"
            hint="A Decision Record, the answer to a packet request, or a packet: paste it, drop it here, or choose it."
            placeholder='{"ok": true, "packet": { … }, "packet_signature": "ed25519:…"}'
            rows={12}
            value={handed.file}
            onChange={(file) => change({ file })}
          />
          <div class="stack">
            <DocumentInput
              label="The keys that you trust"
              hint="A key registry (JSON), or a PEM public key with a ledger key below it. Get them from somewhere other than the file."
              placeholder={
                '-----BEGIN PUBLIC KEY-----\n…\n-----END PUBLIC KEY-----\norigin+key id+base64'
              }
              rows={fetchRegistry === undefined ? 9 : 7}
              value={handed.keys}
              onChange={(keys) => {
                change({ keys });
                setFetched('');
              }}
            >
              {fetchRegistry !== undefined && (
                <button
                  type="button"
                  onClick={() => {
                    void fetchRegistry().then((text) => {
                      if (text !== undefined) change({ keys: { from: 'paste', text } });
                      setFetched(text === undefined ? UNREACHED : FETCHED);
                    });
                  }}
                >
                  Use this server’s registry
                </button>
              )}
            </DocumentInput>
            <p class="hint" role="status">
              {trust.says} {fetched}
            </p>
          </div>
        </div>

        <details class="card fold">
          <summary>More to check against (optional)</summary>
          <div class="stack">
            <div class="columns">
              <DocumentInput
                label="The request"
                hint="The body that was sent to be decided, if you have it."
                placeholder='{"question": "…", "context": { … }}'
                rows={5}
                value={handed.input}
                onChange={(input) => change({ input })}
              />
              <DocumentInput
                label="An older checkpoint"
                hint="One that you kept: it shows whether the ledger was rewritten since."
                placeholder={'origin\nsize\nroot\n\n— origin signature'}
                rows={5}
                value={handed.checkpoint}
                onChange={(checkpoint) => change({ checkpoint })}
              />
              <DocumentInput
                label="Proof between the checkpoints"
                hint="The answer of /api/decision/ledger/consistency, unless both have the same size."
                placeholder='{"proof": ["…"]}'
                rows={5}
                value={handed.consistency}
                onChange={(consistency) => change({ consistency })}
              />
            </div>
            <label class="tick">
              <input
                type="checkbox"
                checked={handed.replay}
                onChange={(event) => change({ replay: event.currentTarget.checked })}
              />
              <span>
                Also decide again from the request and the policy in the packet, and compare the
                answers
              </span>
            </label>
          </div>
        </details>

        <div class="buttons">
          <button type="submit" class="main" disabled={!isGiven(handed.file)}>
            Verify
          </button>
          <span class="soft">Runs in this page. Nothing is uploaded.</span>
        </div>
      </form>

      <div ref={results} aria-live="polite">
        {shown.kind === 'fault' && (
          <Notice tone="fail">
            <p>{shown.says}</p>
          </Notice>
        )}
        {shown.kind === 'found' && <Headline {...shown} />}
      </div>
      {shown.kind === 'found' && <Result {...shown} />}
    </>
  );
}

const FETCHED = 'Fetched from this server just now, so you are trusting this server.';
const UNREACHED = 'This server’s registry could not be fetched.';

/** Verifies what was handed over, or says which of the things beside the file cannot be used. */
function examine({ file, keys, input, checkpoint, consistency, replay }: Handed): Shown {
  const fault = (says: string): Shown => ({ kind: 'fault', says });
  const trust = readTrust(textOf(keys));
  if (!trust.ok) return fault(trust.says);

  const options: { -readonly [name in keyof FileOptions]: FileOptions[name] } = {
    trust: trust.trust,
    replay,
  };
  if (isGiven(input)) {
    const text = textOf(input);
    const read = readJson(text);
    if (!read.ok) return fault(`The request: ${describeJsonFault(text, read.fault)}`);
    options.input = read.value;
  }
  if (isGiven(checkpoint)) {
    // What is pasted may have lost the line end that a checkpoint has to end with.
    options.checkpoint = `${textOf(checkpoint).replaceAll('\r', '').trim()}\n`;
  }
  if (isGiven(consistency)) {
    const read = readJson(textOf(consistency));
    const proof = read.ok ? membersOf(read.value)['proof'] : undefined;
    if (!Array.isArray(proof) || !proof.every((hash) => typeof hash === 'string')) {
      return fault('The proof between the checkpoints: this is no consistency proof.');
    }
    options.consistency = proof;
  }
  const data = file.from === 'paste' ? file.text : file.bytes;
  const text = typeof data === 'string' ? data : (fromUtf8(data) ?? '');
  return { kind: 'found', found: verifyFile(data, options), text, hasKeys: isGiven(keys) };
}
