import { communication, llmsText, openApi } from '@countersign/contract';
import { expect, it } from 'vitest';
import { claimsIn, orders, textsIn } from './claims.ts';
import { CONTACT, EXAMPLES, openDocuments } from './documents.ts';
import { governance } from './messages.ts';

const { rules, texts, templates } = governance.policy;
const CATALOGUE = [...rules.flatMap((rule) => textsIn(rule.texts)), ...textsIn(texts)].filter(
  (text) => text !== '',
);
const TEMPLATES = [...templates.values()].flatMap((byLanguage) => [...byLanguage.values()]);

it('C-30 no text of the catalogue and no bounded reply claims what nobody may claim', () => {
  expect(CATALOGUE.length).toBeGreaterThan(90);
  expect(TEMPLATES.length).toBeGreaterThan(8);
  expect([...CATALOGUE, ...TEMPLATES].flatMap(claimsIn)).toEqual([]);
});

it('C-30 no text of the catalogue tells anybody to send, pay, sign or approve', () => {
  expect(CATALOGUE.filter(orders)).toEqual([]);
});

it('C-30 no discovery document and no page claims what nobody may claim', async () => {
  const documents = await openDocuments();
  const facts = { baseUrl: 'https://gate.example', decision: EXAMPLES.decision };
  const known = [
    communication.geniusManifest(CONTACT),
    communication.overviewPage(facts),
    communication.guidePage(),
    communication.quickstartPage(facts),
    communication.errorsPage(),
    communication.errorDictionary(),
    openApi('1.2.3', EXAMPLES),
    llmsText('1.2.3').replace(/(?<!\n)\n(?!\n|[-#>\d])/g, ' '),
  ];
  expect(known.flatMap(textsIn).length).toBeGreaterThan(1_000);
  expect(known.flatMap(textsIn).flatMap(claimsIn)).toEqual([]);
  const { text } = await documents.ask('/api/genius', { accept: 'text/html' });
  expect(claimsIn(text.replace(/<style>.*?<\/style>/s, '').replace(/<[^>]+>/g, '\n'))).toEqual([]);
  await documents.app.close();
});

it.each([
  'The message is genuine.',
  'This payment is approved.',
  'The sender is verified and can be relied on.',
  'It is safe to pay.',
  'You can send the reply now.',
  'The invoice may be paid.',
  'We guarantee that nothing was missed.',
  'This check proves that the request is legitimate.',
  'Nothing was found, and the message is harmless.',
  'Die Nachricht ist unbedenklich.',
  'Hiermit genehmigen wir die Zahlung.',
  'Ce message est authentique.',
  'Aprobamos el pago.',
])('C-30 the lint finds: %s', (claim) => {
  expect(claimsIn(claim)).not.toEqual([]);
  expect(claimsIn(`All is read. ${claim} It ends here.`)).not.toEqual([]);
});

it.each(['Send the reply.', 'Stop there; pay the invoice.', 'Please approve the document.'])(
  'C-30 the lint finds the order: %s',
  (order) => expect(orders(order)).toBe(true),
);

it.each([
  'It is not safe to pay.',
  'No part of this says that the message is genuine.',
  'Nothing is signed or approved by this note.',
  'Do not send or complete it automatically.',
])('C-30 the lint lets pass: %s', (text) => {
  expect([claimsIn(text), orders(text)]).toEqual([[], false]);
});
