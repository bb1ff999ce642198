export { type RunpackRead, type RunpackReader, sizeText } from './files.ts';
export {
  type FileHash,
  MANIFEST_VERSION,
  RUNPACK_CONTENT_TYPE,
  RUNPACK_FILE_BYTES_MAX,
  RUNPACK_LOGS,
  RUNPACK_REPORT,
  type RunpackArtifact,
  type RunpackManifest,
  type RunpackReport,
  type RunpackSecurity,
  signaturePathOf,
} from './layout.ts';
export { type ReadManifest, readManifest } from './manifest.ts';
export { RUNPACK_EXPORT_VERSION, RUNPACK_SIGNATURE_VERSION, withoutLogs } from './signature.ts';
export {
  type RunpackOptions,
  type RunpackSource,
  type RunpackVerification,
  verifyRunpack,
} from './verify.ts';
