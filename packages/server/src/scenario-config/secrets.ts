import { readFileSync } from 'node:fs';
import { type Kind, ScenarioConfigError } from './reader.ts';
import { filled, path, pathFault } from './values.ts';

/** The text of a file that holds a secret, without the white space around it. */
export const secretInFile: Kind<string> = {
  decode(given, at, reading) {
    const file = path.decode(given, at, reading);
    if (pathFault(file) !== undefined || file.trim() === '') return '';
    let secret: string;
    try {
      secret = readFileSync(file, 'utf8').trim();
    } catch (error) {
      const { code } = error as NodeJS.ErrnoException;
      throw new ScenarioConfigError(`config io error: ${at}: cannot read ${file} (${code})`);
    }
    if (secret === '') reading.invalid(`${at} names a file that is empty: ${file}`);
    return secret;
  },
};

/** The value of the environment variable that is named, without the white space around it. */
export const secretInVariable: Kind<string> = {
  decode(given, at, reading) {
    const name = filled.decode(given, at, reading);
    const secret = (reading.environment[name] ?? '').trim();
    if (secret === '') reading.invalid(`${at} names a variable that is not set: ${name}`);
    return secret;
  },
};
