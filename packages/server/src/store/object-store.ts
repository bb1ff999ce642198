import type { S3Client } from '@aws-sdk/client-s3';
import {
  ARTIFACT_BYTES_MAX,
  type FileRead,
  fault,
  isPathTooLong,
  type OpenedTarget,
  pathTooLong,
  type RunpackFault,
  type RunpackPlace,
  type RunpackTarget,
  splitRunpackPath,
  tooLarge,
} from '../service/scenario/runpack-storage.ts';
import type { ScenarioSettings } from '../service/scenario/settings.ts';

export type ObjectStoreSettings = NonNullable<ScenarioSettings['runpackStorage']>;

/** A bucket that runpacks are written into. */
export interface ObjectStore {
  /** Where the runpack of a run goes. */
  at(place: RunpackPlace): OpenedTarget;
  /** A runpack by the `s3://` address that its export gave. */
  from(uri: string): OpenedTarget;
  close(): void;
}

const CONNECT_TIMEOUT_MS = 5_000;
const REQUEST_TIMEOUT_MS = 30_000;

/**
 * Opens an S3 bucket, or one of a server that speaks the same. Credentials come from the environment in the usual
 * ways of that protocol. Throws on settings that cannot be meant; the bucket itself is first asked when it is used.
 */
export async function openObjectStore(settings: ObjectStoreSettings): Promise<ObjectStore> {
  const { bucket, endpoint, region, forcePathStyle, allowHttp } = settings;
  if (endpoint !== undefined && !allowHttp && !endpoint.startsWith('https://')) {
    throw new Error('runpack_storage endpoint without TLS needs allow_http');
  }
  const prefix = prefixOf(settings.prefix);
  // Loaded here because most servers never do.
  const { GetObjectCommand, PutObjectCommand, S3Client } = await import('@aws-sdk/client-s3');
  const client: S3Client = new S3Client({
    forcePathStyle,
    ...(region === undefined ? {} : { region }),
    ...(endpoint === undefined ? {} : { endpoint }),
    requestHandler: { connectionTimeout: CONNECT_TIMEOUT_MS, requestTimeout: REQUEST_TIMEOUT_MS },
    // Servers that are not Amazon's need not know its newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
  });

  const targetBelow = (folder: string): RunpackTarget => ({
    uri: `s3://${bucket}/${folder}`,
    pathFault(path) {
      const key = keyOf(folder, path);
      return key.ok ? undefined : key;
    },
    async write(path, bytes) {
      const key = keyOf(folder, path);
      if (!key.ok) return key;
      try {
        await client.send(
          new PutObjectCommand({
            Bucket: bucket,
            Key: key.key,
            Body: bytes,
            ContentType: 'application/json',
          }),
        );
        return { ok: true };
      } catch (error) {
        return fault(`unable to store ${path}: ${nameOf(error)}`);
      }
    },
    async read(path): Promise<FileRead> {
      const key = keyOf(folder, path);
      if (!key.ok) return { ok: false, reason: key.text };
      try {
        const found = await client.send(new GetObjectCommand({ Bucket: bucket, Key: key.key }));
        const size = found.ContentLength ?? Number.POSITIVE_INFINITY;
        if (found.Body === undefined || size > ARTIFACT_BYTES_MAX) return tooLarge(size);
        return { ok: true, bytes: await found.Body.transformToByteArray() };
      } catch (error) {
        const name = nameOf(error);
        return { ok: false, reason: name === 'NoSuchKey' ? 'file not found' : name };
      }
    },
  });

  return {
    at(place) {
      const folder = folderOf(prefix, place);
      return folder.ok ? { ok: true, target: targetBelow(folder.key) } : folder;
    },
    from(uri) {
      const start = `s3://${bucket}/`;
      if (!uri.startsWith(start)) return fault(`not an address in s3://${bucket}/`);
      return { ok: true, target: targetBelow(`${uri.slice(start.length).replace(/\/+$/, '')}/`) };
    },
    close: () => client.destroy(),
  };
}

type Key = { readonly ok: true; readonly key: string } | RunpackFault;

/** `tenant/…/spec/sha256/<hash>/` below the prefix. Ids become segments, so none may be more than one. */
function folderOf(
  prefix: string,
  { tenant, namespace, scenarioId, runId, specHash }: RunpackPlace,
): Key {
  for (const id of [scenarioId, runId]) {
    if (!SEGMENT.test(id) || id === '.' || id === '..' || Buffer.byteLength(id) > 255) {
      return fault(`id is no path segment: ${id}`);
    }
  }
  const path = [
    `tenant/${tenant}/namespace/${namespace}`,
    `scenario/${scenarioId}/run/${runId}`,
    `spec/${specHash.algorithm}/${specHash.value}/`,
  ].join('/');
  const key = prefix + path;
  return isPathTooLong(key) ? pathTooLong : { ok: true, key };
}

const SEGMENT = /^[^/\\]+$/;

function keyOf(folder: string, path: string): Key {
  const split = splitRunpackPath(path);
  if (!split.ok) return split;
  const key = folder + split.components.join('/');
  return isPathTooLong(key) ? pathTooLong : { ok: true, key };
}

/** The configured prefix with one slash behind it, or nothing. Throws when it is not a relative path. */
function prefixOf(configured: string | undefined): string {
  const prefix = (configured ?? '').trim().replace(/\/$/, '');
  if (prefix === '') return '';
  const segments = prefix.split('/');
  const odd = segments.some((one) => one === '' || one === '.' || one === '..');
  if (odd || prefix.includes('\\')) {
    throw new Error('runpack_storage prefix must be a relative path');
  }
  return `${prefix}/`;
}

/** What went wrong, by the name that the protocol gives it: its messages may hold addresses and keys. */
function nameOf(error: unknown): string {
  return error instanceof Error ? error.name : 'unknown error';
}
