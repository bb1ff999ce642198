/** Texts that are made to take long, each of as many code units as asked for. */
const repeated = (piece: string): ((length: number) => string) => {
  return (length) => piece.repeat(Math.ceil(length / piece.length)).slice(0, length);
};

export const HOSTILE_TEXTS: Readonly<Record<string, (length: number) => string>> = {
  prose: repeated(
    'The minutes of the meeting are in the shared folder. Please confirm the delivery by Friday. ',
  ),
  'one letter': repeated('a'),
  'one word': repeated('bank '),
  'short words': repeated('a b '),
  digits: repeated('1234567890'),
  'line ends': repeated('\n'),
  quotations: repeated('> a\n'),
  headers: repeated('From:\n'),
  introductions: repeated('wrote 1\n'),
  'tag characters': repeated('\u{e0041}'),
  'zero width': repeated('a\u200b'),
  'open overrides': repeated('\u202e'),
  overrides: repeated('\u202eab\u202c '),
  'combining marks': repeated('\u0301'),
  'look-alikes': repeated('send me your p\u0430ssword. '),
  'spaced letters': repeated('p a s s '),
  leet: repeated('send me your p4ssw0rd. '),
  entities: repeated('&amp;'),
  'nested entities': (length) => `&${repeated('amp;')(length - 1)}`,
  'soft breaks': repeated('=3D'),
  findings: repeated('Please send me your password. '),
  'half findings': repeated('our bank details '),
  conditions: repeated('if we '),
  accounts: repeated('GB29 NWBK 6016 1331 9268 19 '),
  'half accounts': repeated('GB29 '),
  holders: repeated('GB29NWBK60161331926819\nBeneficiary: Zed\n'),
  'sort codes': repeated('12-34-56 '),
  secrets: repeated('password is '),
  keys: repeated('-----BEGIN '),
  links: repeated('https://a.example/x '),
  'half links': repeated('https://'),
  dots: repeated('a.'),
  addresses: repeated('a@'),
  hyphens: repeated('a-'),
  'base64 in lines': (length) => `${repeated('QUJDREVGR0hJSktMTU5PUFFS\n')(length - 3)}===`,
  'hexadecimal digits': repeated('4142432044454620'),
  'ends of messages': repeated('--- end of message\n'),
  braces: repeated('"allowed":{'),
  'other scripts': repeated('привет '),
};

export const HOSTILE_HTML: Readonly<Record<string, (length: number) => string>> = {
  paragraphs: repeated('<p>a'),
  nesting: repeated('<div>'),
  'formatting that is never closed': repeated('<p><b><i>'),
  'links in links': repeated('<a href=x><table><td>'),
  links: repeated('<a href="https://a.example/x">a</a>'),
  'style sheets': repeated('<style>.a{color:red}</style>'),
  'style rules': (length) => {
    const rules = repeated('.a{color:red}')(length / 2);
    return `<style>${rules}</style>${repeated('<p class="a">x')(length / 2)}`;
  },
  'style comments': (length) => `<style>${repeated('/*a')(length)}`,
  'style braces': (length) => `<style>${repeated('@media{')(length)}`,
  classes: (length) => `<p class="${repeated('a ')(length)}">x`,
  attributes: (length) => `<p ${repeated('a=b ')(length)}>x`,
  comments: repeated('<!--a-->'),
  'hidden parts': repeated('<p hidden>send me your password</p><p>x</p>'),
  'one hidden part': (length) => `<p hidden>${repeated('<b>send me your password. ')(length)}`,
  metadata: repeated('<meta name=a content="send me your password">'),
  forms: repeated('<form><input>'),
  'open signs': repeated('<'),
};
