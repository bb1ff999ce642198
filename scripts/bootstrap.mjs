// Runs a script of this project on a Node that the project supports, with its dependencies installed.
// This file and what it imports must run on any Node from 18 on, without node_modules.
import { execFileSync, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { constants } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const NODE_MIN = [22, 14];
/** The runtime fetched where the system's is too old: the npm package that ships this platform's binary. */
const NODE_FETCHED = '24.21.0';

const npmCli = process.env.npm_execpath;
const [script, ...args] = process.argv.slice(2);
if (script === undefined) {
  console.error('usage: node scripts/bootstrap.mjs <script> [arguments]');
  process.exit(2);
}

const node = supported(process.versions.node) ? process.execPath : fetchedNode();
const env = { ...process.env, PATH: `${dirname(node)}${delimiter}${process.env.PATH ?? ''}` };
install();

const child = spawn(node, [join(root, script), ...args], { stdio: 'inherit', env });
// A signal sent to the group reaches the child as well; sent to this process alone, it is passed on.
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => child.kill(signal));
child.on('exit', (code, signal) => {
  process.exit(signal === null ? (code ?? 1) : 128 + (constants.signals[signal] ?? 0));
});

function supported(version) {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  return major > NODE_MIN[0] || (major === NODE_MIN[0] && minor >= NODE_MIN[1]);
}

function fetchedNode() {
  const platform = process.platform === 'win32' ? 'win' : process.platform;
  const name = `node-${platform}-${process.arch}`;
  const prefix = join(root, '.node');
  const file = process.platform === 'win32' ? 'node.exe' : 'node';
  const binary = join(prefix, 'node_modules', name, 'bin', file);
  const manifest = join(prefix, 'node_modules', name, 'package.json');
  if (!existsSync(binary) || JSON.parse(readFileSync(manifest, 'utf8')).version !== NODE_FETCHED) {
    console.error(
      `Node ${process.versions.node} is older than ${NODE_MIN.join('.')}: fetching Node ${NODE_FETCHED} from the npm registry into .node/`,
    );
    mkdirSync(prefix, { recursive: true });
    writeFileSync(join(prefix, 'package.json'), '{"private":true}\n');
    npm(
      process.execPath,
      ['install', '--no-save', '--no-package-lock', '--ignore-scripts', `${name}@${NODE_FETCHED}`],
      {
        cwd: prefix,
        env: process.env,
      },
    );
  }
  return binary;
}

/** Installs what the lockfile names, once per lockfile. */
function install() {
  const lock = join(root, 'package-lock.json');
  const stamp = join(root, 'node_modules', '.countersign-lock');
  const wanted = createHash('sha256').update(readFileSync(lock)).digest('hex');
  if (existsSync(stamp) && readFileSync(stamp, 'utf8') === wanted) return;
  console.error('Installing dependencies …');
  // Not `npm ci`: that refuses a lockfile without the binaries of platforms that the registry at hand does not carry.
  npm(node, ['install', '--no-save', '--no-audit', '--no-fund', '--ignore-scripts'], {
    cwd: root,
    env,
  });
  writeFileSync(stamp, wanted);
}

function npm(runtime, npmArgs, { cwd, env: npmEnv }) {
  const quiet = { NPM_CONFIG_UPDATE_NOTIFIER: 'false', NPM_CONFIG_LOGLEVEL: 'error' };
  const options = { cwd, stdio: ['ignore', 'ignore', 'inherit'], env: { ...npmEnv, ...quiet } };
  if (npmCli?.endsWith('.js') || npmCli?.endsWith('.cjs')) {
    execFileSync(runtime, [npmCli, ...npmArgs], options);
  } else {
    execFileSync(process.platform === 'win32' ? 'npm.cmd' : 'npm', npmArgs, {
      ...options,
      shell: process.platform === 'win32',
    });
  }
}
