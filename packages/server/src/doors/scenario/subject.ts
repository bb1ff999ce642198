/**
 * The subject of a certificate as RFC 4514 writes it: `CN=agent-1,OU=Gates,O=Example`, the most specific part first.
 * That is the form in which TLS-terminating proxies hand it on, so one list of subjects serves both.
 *
 * @param lines the parts in the order of the certificate, one a line, values escaped, as `X509Certificate` gives them.
 */
export function subjectText(lines: string): string {
  return lines
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.replaceAll(' + ', '+'))
    .toReversed()
    .join(',');
}
