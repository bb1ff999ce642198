import { createHash, createPrivateKey, createPublicKey, sign, verify } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import vectors from '../../../vectors/checkpoint/checkpoints.json' with { type: 'json' };
import proofs from '../../../vectors/checkpoint/tlog-proofs.json' with { type: 'json' };
import { fromHex, toHex, utf8 } from '../src/bytes.ts';
import { checkpointText, parseCheckpoint, verifyCheckpoint } from '../src/checkpoint.ts';
import { publicKeyPem } from '../src/ed25519.ts';
import { verifyInclusion } from '../src/inclusion.ts';
import { noteKeyId, parseNote, renderNote } from '../src/note.ts';
import { parseTlogProof, renderTlogProof } from '../src/tlog-proof.ts';

const bytes = (hex: string): Uint8Array => fromHex(hex) ?? expect.unreachable(hex);
const { origin } = vectors;
const publicKey = bytes(vectors.publicKey);
const example = vectors.cases[0]?.note ?? expect.unreachable();

/** RFC 8032 §7.1, test 1: the secret key that everybody knows. */
const SECRET = createPrivateKey({
  key: Buffer.from(
    '302e020100300506032b6570042204209d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60',
    'hex',
  ),
  format: 'der',
  type: 'pkcs8',
});

function signed(text: string): string {
  const signature = new Uint8Array(sign(null, utf8(text), SECRET));
  return renderNote(text, [{ name: origin, keyId: noteKeyId(origin, publicKey), signature }]);
}

describe('verifyCheckpoint', () => {
  it.each(vectors.cases)('$name', ({ note, fault }) => {
    const verified = verifyCheckpoint(note, { origin, publicKey });
    expect(verified.ok ? undefined : verified.fault).toBe(fault);
  });

  it('gives what was signed', () => {
    const root = bytes(vectors.root);
    expect(verifyCheckpoint(example, { origin, publicKey })).toEqual({
      ok: true,
      value: { origin, size: vectors.size, root },
    });
    expect(signed(checkpointText({ origin, size: vectors.size, root }))).toBe(example);
    expect(toHex(noteKeyId(origin, publicKey))).toBe(vectors.keyId);
  });

  it('refuses the example with any character changed or removed', () => {
    for (let i = 0; i < example.length; i++) {
      const [before, after] = [example.slice(0, i), example.slice(i + 1)];
      const twins = [before + after];
      for (const character of ['A', '0', '\n', ' ', '+']) {
        if (example[i] !== character) twins.push(before + character + after);
      }
      for (const twin of twins) {
        expect(verifyCheckpoint(twin, { origin, publicKey }).ok, JSON.stringify(twin)).toBe(false);
      }
    }
  });

  it('refuses another key and another origin', () => {
    const other = publicKey.with(0, 0xd6);
    expect(verifyCheckpoint(example, { origin, publicKey: other }).ok).toBe(false);
    expect(verifyCheckpoint(example, { origin: 'decide.example', publicKey }).ok).toBe(false);
  });
});

describe('D-90 an independent reader of signed notes', () => {
  /** Written from the rules of C2SP signed-note and Node's crypto alone. */
  function independent(note: string): string[] {
    const end = note.lastIndexOf('\n\n') + 1;
    if (end === 0 || !note.endsWith('\n')) throw new Error('no signatures');
    const text = note.slice(0, end);
    const key = createPublicKey(publicKeyPem(publicKey));
    const hash = createHash('sha256').update(`${origin}\n`).update(Buffer.of(1)).update(publicKey);
    const hint = hash.digest().subarray(0, 4);
    let held = 0;
    for (const line of note.slice(end + 1, -1).split('\n')) {
      const [, name, base64] = /^\u2014 ([^\s+]+) ([A-Za-z0-9+/]+={0,2})$/u.exec(line) ?? [];
      const blob = Buffer.from(base64 ?? '', 'base64');
      if (blob.length < 5 || blob.toString('base64') !== base64) throw new Error('bad line');
      if (name !== origin || !blob.subarray(0, 4).equals(hint)) continue;
      if (!verify(null, Buffer.from(text), key, blob.subarray(4))) throw new Error('bad signature');
      held++;
    }
    if (held === 0) throw new Error('not signed by this key');
    return text.split('\n');
  }

  const root = bytes(vectors.root);
  const note = signed(checkpointText({ origin, size: 1_234_567, root }));

  it('accepts what is written here', () => {
    expect(independent(note).slice(0, 2)).toEqual([origin, '1234567']);
    expect(independent(example).slice(0, 2)).toEqual([origin, '3']);
  });

  it('refuses every twin with a character changed, and so does the reader here', () => {
    for (let i = 0; i < note.length; i++) {
      const twin = note.slice(0, i) + (note[i] === 'B' ? 'C' : 'B') + note.slice(i + 1);
      expect(() => independent(twin), JSON.stringify(twin)).toThrow();
      expect(verifyCheckpoint(twin, { origin, publicKey }).ok).toBe(false);
    }
  });
});

describe('the parts', () => {
  it('reads a text without looking at signatures', () => {
    expect(parseCheckpoint(`${origin}\n0\n${'A'.repeat(43)}=\n`)).toEqual({
      origin,
      size: 0,
      root: new Uint8Array(32),
    });
    expect(parseCheckpoint(`${origin}\n0\n${'A'.repeat(43)}=`)).toBeUndefined();
    expect(parseCheckpoint('')).toBeUndefined();
  });

  it('gives all signatures of a note', () => {
    const line = {
      name: 'witness.example/é',
      keyId: Uint8Array.of(1, 2, 3, 4),
      signature: publicKey,
    };
    const parsed = parseNote(renderNote('a\n\nb\n', [line, { ...line, name: 'x' }]));
    expect(parsed).toEqual({
      ok: true,
      value: { text: 'a\n\nb\n', signatures: [line, { ...line, name: 'x' }] },
    });
  });

  it('does not write what could not be read', () => {
    const root = new Uint8Array(32);
    const line = { name: 'x', keyId: new Uint8Array(4), signature: publicKey };
    expect(() => checkpointText({ origin: 'a\nb', size: 1, root })).toThrow('bug');
    expect(() => checkpointText({ origin: '', size: 1, root })).toThrow('bug');
    expect(() => checkpointText({ origin, size: -1, root })).toThrow('bug');
    expect(() => checkpointText({ origin, size: 2 ** 53, root })).toThrow('bug');
    expect(() => checkpointText({ origin, size: 1, root: root.slice(1) })).toThrow('bug');
    expect(() => renderNote('no line end', [line])).toThrow('bug');
    expect(() => renderNote('a\r\n', [line])).toThrow('bug');
    expect(() => renderNote('a\n', [])).toThrow('bug');
    expect(() => renderNote('a\n', [{ ...line, name: 'a b' }])).toThrow('bug');
    expect(() => renderNote('a\n', [{ ...line, name: 'a\u2003b' }])).toThrow('bug');
    expect(() => renderNote('a\n', [{ ...line, name: 'a+b' }])).toThrow('bug');
    expect(() => renderNote('a\n', [{ ...line, name: '' }])).toThrow('bug');
    expect(() => renderNote('a\n', [{ ...line, keyId: new Uint8Array(3) }])).toThrow('bug');
    expect(() => renderNote('a\n', [{ ...line, signature: new Uint8Array() }])).toThrow('bug');
  });
});

describe('proofs as text', () => {
  it.each(proofs.cases)('$name', ({ text, accepted }) => {
    const proof = parseTlogProof(text);
    expect(proof !== undefined).toBe(accepted);
    // What is read is written the same: there is one spelling.
    if (proof !== undefined) expect(renderTlogProof(proof)).toBe(text);
  });

  it('the first one holds, from the leaf to the signature', () => {
    const proof = parseTlogProof(proofs.cases[0]?.text ?? '') ?? expect.unreachable();
    const verified = verifyCheckpoint(proof.checkpoint, { origin, publicKey });
    const { size, root } = verified.ok ? verified.value : expect.unreachable();
    const leaf = bytes(proofs.leaf);
    expect(verifyInclusion(leaf, proof.index, size, proof.path, root)).toBeUndefined();
    expect(verifyInclusion(leaf, 1, size, proof.path, root)).toBe('root_differs');
  });

  it('carries extra data', () => {
    const proof = parseTlogProof(proofs.cases[1]?.text ?? '');
    expect(proof?.extra).toEqual(utf8('hello'));
    expect(() =>
      renderTlogProof({ index: 0, path: [], checkpoint: example, extra: new Uint8Array() }),
    ).toThrow('bug');
  });
});
