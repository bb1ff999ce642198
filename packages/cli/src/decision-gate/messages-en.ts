/** What the command line says itself, beside help. A translation that lacks one of them does not compile. */
export const en = {
  translationNotice: 'Note: this is a machine translation.',
  unknownLanguage: (asked: string) => `there is no language \`${asked}\` here; use en or ca`,
  warning: 'warning',

  inputMissing: 'name the arguments with --json or --input',
  inputTwice: 'give either --json or --input, not both',
  inputTooLarge: (file: string, bytesMax: number) => `${file} is larger than ${bytesMax} bytes`,
  inputNotText: (file: string) => `${file} is not UTF-8 text`,
  inputNotJson: (file: string, place: string, code: string) =>
    `${file} is not JSON: ${code} at ${place}`,
  inputNotRon: (file: string, place: string, reason: string) =>
    `${file} is not RON: ${reason} at ${place}`,
  inputMisfit: (file: string, reason: string) => `${file}: ${reason}`,
  memberMissing: (file: string, name: string) => `${file} has no member \`${name}\``,

  scenarioMisfit: (file: string, reason: string) => `${file} is not a scenario: ${reason}`,
  scenarioUnsound: (reason: string) => `invalid scenario spec: ${reason}`,
  scenarioValid: (id: string, hash: string) =>
    `ScenarioSpec valid (scenario_id=${id}, spec_hash=sha256:${hash})`,
  lint: {
    condition_unused: (id: string) => `no gate uses the condition \`${id}\``,
    stage_without_gates: (id: string) => `the stage \`${id}\` has no gate and is left at once`,
    group_empty: (name: string) => `an empty ${name}`,
    group_unreachable: (min: string) => `${min} of fewer members are asked for: never true`,
    branch_gate_unknown: (id: string) => `the gate \`${id}\` is none of this stage: never chosen`,
    stage_cycle: (id: string) => `a run can come back to the stage \`${id}\``,
    requirement_too_deep: (max: string) => `deeper than ${max}: the gate is always unknown`,
  },

  signatureNeedsBoth: 'a signature needs --signature-out and --signing-key',
  signingKeyMalformed: (file: string) => `${file} is not 32 bytes, neither raw nor in base64`,

  endpointMalformed: (url: string) => `${url} is not a URL`,
  variableMalformed: (pair: string) => `${pair} is not name=value`,
  profileUnknown: (name: string, file: string) => `there is no auth profile \`${name}\` in ${file}`,
  profileMalformed: (name: string, key: string) =>
    `\`${key}\` of the auth profile \`${name}\` is not a string`,
  configUnreadable: (file: string, reason: string) => `${file} cannot be read: ${reason}`,
  argumentsMisfit: (tool: string, reason: string) => `arguments of ${tool}: ${reason}`,
  answerMalformed: 'the answer of the server is not one of this protocol',
  serverSlow: (ms: number) => `the server did not answer within ${ms} ms`,
  serverUnreachable: (url: string, reason: string) => `${url} cannot be reached: ${reason}`,
  stdioCommandMissing: 'the transport stdio needs --stdio-command',
  stdioFailed: (program: string, reason: string) => `${program} cannot be started: ${reason}`,
  stdioClosed: 'the server ended without an answer',
  stepRefused: (tool: string, reason: string) => `${tool} was refused: ${reason}`,
  statusDiffers: (wanted: string, reached: string) =>
    `the run is ${reached}, it should be ${wanted}`,

  storeMissing: (file: string) => `there is no database ${file}`,
  storeInMemory: 'the configuration keeps runs in memory: there is no database to look at',
  runNotFound: (id: string) => `run not found: ${id}`,
  runDamaged: (id: string) => `hash mismatch for run ${id}`,
  runUndecodable: (id: string, reason: string) => `run ${id} cannot be decoded: ${reason}`,
  runMisplaced: (id: string) => `the state that is stored for run ${id} is that of another run`,

  providerNameMalformed: (name: string) =>
    `\`${name}\` cannot be the name: it is a letter, then up to 62 letters, digits, _ or -, all lower-case`,
  providerNameReserved: (name: string) => `\`${name}\` is the name of a built-in provider`,
  directoryNotEmpty: (directory: string) => `${directory} is not empty`,
  providerCreated: (directory: string) => `a provider of evidence is in ${directory}`,
  providerNext: (directory: string) =>
    `Next: node --test ${directory}, then edit checks.mjs and contract.json`,
  providerCommandMissing: 'name the program with --command',
  conformance: {
    contract: 'contract',
    noExamples: 'the contract has no example to ask',
    paramsMissing: 'refuses to answer without params',
    unknownCheck: 'refuses a check that it does not have',
    correlation: 'takes a correlation id and repeats the request id',
    unknownMethod: 'refuses another method',
    notJson: 'goes on after a frame that is not JSON',
    notRequest: 'goes on after a frame that is no request',
    pieces: 'puts a frame together from pieces',
    together: 'answers two frames that come as one piece',
    ends: 'ends with its input',
    refused: (code: string, message: string) => `refused: ${code}: ${message}`,
    misfit: (value: string, reason: string) => `${value} does not follow result_schema: ${reason}`,
    differs: (value: string, wanted: string) => `${value}; the contract says ${wanted}`,
    hashDiffers: 'evidence_hash is not the hash of the value',
    notRefused: 'was not refused',
    noCode: 'the error has no code',
    otherId: 'the answer has another id than the request',
    tooLarge: (bytes: number) => `the answer has ${bytes} bytes; servers read 1048576`,
    silence: (ms: number) => `no answer within ${ms} ms`,
    ended: 'the program ended instead of answering',
    noise: 'standard output has something that is no frame',
    didNotEnd: (ms: number) => `still there ${ms} ms after its input ended`,
  },

  manifestInvalid: (file: string, reason: string) => `invalid manifest ${file}: ${reason}`,
  keyMalformed: (name: string) => `${name} is not a key of the kind that is asked for`,
  keysMissing: (directory: string) => `there are no keys in ${directory}`,
  runpackStorageMissing: 'the configuration has no [runpack_storage]',
  runpackReport: {
    title: 'Runpack verification',
    status: 'Status',
    checkedFiles: 'Checked files',
    errors: 'Errors',
  },
  runpackCopied: (count: number, directory: string) => `${count} files are in ${directory}`,

  sourceScheme: (scheme: string) => `there is no source for \`${scheme}\``,
  sourceMalformed: (uri: string) => `${uri} cannot be read as a place of content`,
  sourceRefused: (uri: string, reason: string) => `${uri} is refused: ${reason}`,
  sourceFailed: (uri: string, reason: string) => `${uri} cannot be had: ${reason}`,
  contentTooLarge: (bytesMax: number) => `the content is larger than ${bytesMax} bytes`,
  contentTypeDiffers: (got: string, wanted: string) =>
    `the content type is ${got}, it should be ${wanted}`,
  contentNotJson: 'the content is not the JSON that its type says',
  contentHashDiffers: (got: string, wanted: string) =>
    `the hash of the content is ${got}, it should be ${wanted}`,
};

export type Messages = typeof en;
