import { readFileSync } from 'node:fs';
import type { SecureServerOptions } from 'node:http2';
import type { TlsSettings } from '../../service/scenario/settings.ts';

/** What ends TLS in this process; HTTP/2 and HTTP/1.1 are both offered. Throws when a file cannot be read. */
export function tlsOptions(settings: TlsSettings): SecureServerOptions {
  const { certPath, keyPath, clientCaPath, requireClientCert } = settings;
  return {
    allowHTTP1: true,
    cert: readFileSync(certPath),
    key: readFileSync(keyPath),
    ...(clientCaPath === undefined
      ? {}
      : {
          ca: readFileSync(clientCaPath),
          requestCert: true,
          rejectUnauthorized: requireClientCert,
        }),
  };
}
