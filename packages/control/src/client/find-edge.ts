// Where the edge is that a command talks to. The edge writes `control.json` into its state directory; this finds it.
import { existsSync, readFileSync, statSync } from 'node:fs';
import { homedir } from 'node:os';
import { dirname, isAbsolute, join, resolve } from 'node:path';
import { parse } from 'smol-toml';
import { privacyProblem } from '../private-file.ts';
import { ClientError } from './client-error.ts';

/** The file an edge writes into its state directory. */
export const controlFile = 'control.json';
/** The state directory of `sallyport dev`, in the project's folder. */
export const devState = '.sallyport';

export interface EdgeAccess {
  url: string;
  token: string;
  account: string;
  /** Where that was read, for messages. */
  source: string;
}

export interface FindEdgeOptions {
  /** What the user said on the command line. */
  apiUrl?: string | undefined;
  apiTokenFile?: string | undefined;
  state?: string | undefined;
  env?: NodeJS.ProcessEnv;
  cwd?: string;
  /** Whether we run as root, who looks in the system's state directory. */
  root?: boolean;
}

/**
 * In this order: an explicit URL and token; an explicit state directory; a running `sallyport dev` in this folder or one
 * above; the state directory that `sallyport.toml` in this folder or one above names; the state directory of this user.
 * @throws ClientError
 */
export function findEdge(options: FindEdgeOptions = {}): EdgeAccess {
  const { env = process.env, cwd = process.cwd(), root = process.getuid?.() === 0 } = options;
  const url = options.apiUrl ?? given(env, 'SALLYPORT_API_URL');
  if (url !== undefined) return { url: checkUrl(url), ...explicitToken({ ...options, env, cwd }) };
  if (options.apiTokenFile !== undefined) {
    throw ClientError.of('invalid_settings', '--api-token-file needs --api-url (or $SALLYPORT_API_URL) beside it');
  }

  const state = options.state ?? given(env, 'SALLYPORT_STATE');
  if (state !== undefined) {
    const file = join(resolve(cwd, state), controlFile);
    return readAccess(file) ?? fail(`there is no ${file}`);
  }

  const folders = upwards(cwd);
  for (const folder of folders) {
    const access = readAccess(join(folder, devState, controlFile));
    if (access !== undefined) return access;
  }
  // Read only now: a mistake in it must not keep a running edge from being found.
  const files = [nearestTomlState(folders), join(userState(env, root), controlFile)].filter(
    (file) => file !== undefined,
  );
  for (const file of files) {
    const access = readAccess(file);
    if (access !== undefined) return access;
  }
  return fail(`none runs in ${cwd} or a folder above it, and there is no ${files.join(' nor ')}`);
}

/**
 * The edge that `--edge` of `sallyport dev` names: by the URL of its control API, by its state directory, or by the folder
 * where it runs. What the environment says of another edge does not count, but for the token of a URL.
 * @throws ClientError
 */
export function findNamedEdge(
  named: string,
  {
    tokenFile,
    env = process.env,
    cwd = process.cwd(),
  }: Pick<FindEdgeOptions, 'env' | 'cwd'> & { tokenFile?: string | undefined },
): EdgeAccess {
  if (/^https?:\/\//i.test(named)) {
    const url = checkUrl(named);
    return { url, ...explicitToken({ apiTokenFile: tokenFile, env, cwd, option: '--edge-token-file' }) };
  }
  const folder = resolve(cwd, named);
  // Of a host and port it would be no folder's fault.
  if (!existsSync(folder) && /^[^/]+:\d+(\/|$)/.test(named)) {
    throw ClientError.of('no_named_edge', `there is no folder ${folder}; the URL would be http://${named}`);
  }
  if (tokenFile !== undefined) {
    throw ClientError.of(
      'invalid_settings',
      '--edge-token-file needs a URL as --edge: a state directory has its token',
    );
  }
  const places = [folder, join(folder, devState)].map((place) => join(place, controlFile));
  for (const file of places) {
    const access = readAccess(file);
    if (access !== undefined) return access;
  }
  const file = tomlState(folder);
  const access = file === undefined ? undefined : readAccess(file);
  if (access !== undefined) return access;
  throw ClientError.of('no_named_edge', `there is no ${file ?? places[0]}`);
}

function fail(detail: string): never {
  throw ClientError.of('no_edge', detail);
}

function given(env: NodeJS.ProcessEnv, name: string): string | undefined {
  return env[name] || undefined;
}

function checkUrl(text: string): string {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  if (url === undefined || !/^https?:$/.test(url.protocol) || url.username !== '' || url.search !== '') {
    throw ClientError.of('invalid_settings', `${JSON.stringify(text)} is not a URL such as http://127.0.0.1:8790`);
  }
  return url.href.replace(/\/$/, '');
}

function explicitToken({
  apiTokenFile,
  env,
  cwd,
  option = '--api-token-file',
}: FindEdgeOptions & { env: NodeJS.ProcessEnv; cwd: string; option?: string }): Omit<EdgeAccess, 'url'> {
  const account = given(env, 'SALLYPORT_ACCOUNT') ?? 'default';
  const file = apiTokenFile ?? given(env, 'SALLYPORT_API_TOKEN_FILE');
  const token = file === undefined ? given(env, 'SALLYPORT_API_TOKEN') : readText(resolve(cwd, file));
  if (token === undefined || token.trim() === '') {
    const what = file === undefined ? 'no token was given' : `${file} holds no token`;
    throw ClientError.of(
      'invalid_settings',
      `${what}: use ${option}, $SALLYPORT_API_TOKEN_FILE or $SALLYPORT_API_TOKEN`,
    );
  }
  return { token: token.trim(), account, source: file ?? '$SALLYPORT_API_TOKEN' };
}

function readText(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (error) {
    throw ClientError.of('invalid_settings', `${file} cannot be read: ${(error as Error).message}`, { cause: error });
  }
}

/** Undefined when there is no such file. */
function readAccess(file: string): EdgeAccess | undefined {
  if (!existsSync(file)) return undefined;
  checkPrivate(file);
  const text = readText(file);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    // The parser's message quotes the file, which holds a token.
    throw ClientError.of('invalid_settings', `${file} is not JSON`);
  }
  const { url, token, account = 'default' } = (value ?? {}) as Record<string, unknown>;
  if (typeof url !== 'string' || typeof token !== 'string' || typeof account !== 'string' || token === '') {
    throw ClientError.of('invalid_settings', `${file} lacks "url" or "token"`);
  }
  return { url: checkUrl(url), token, account, source: file };
}

/** An edge writes the file for its user alone. One that came with somebody's project, from an archive or Git, is not so. */
function checkPrivate(file: string): void {
  // Root may ask the edge of any user: it is root's own to be careful whose.
  const found = statSync(file);
  const problem = privacyProblem(file, process.geteuid?.() === 0 ? { ...found, uid: 0 } : found);
  if (problem !== undefined) throw ClientError.of('invalid_settings', `${problem}, so no edge wrote it`);
}

function upwards(folder: string): string[] {
  const parent = dirname(folder);
  return parent === folder ? [folder] : [folder, ...upwards(parent)];
}

/** A project has often no `state` in its own, which is for TLS in development: the edge's is above it then. */
function nearestTomlState(folders: readonly string[]): string | undefined {
  for (const folder of folders) {
    const file = tomlState(folder);
    if (file !== undefined) return file;
  }
  return undefined;
}

/** The file in the state directory of an edge that is configured in this folder. */
function tomlState(folder: string): string | undefined {
  const file = join(folder, 'sallyport.toml');
  if (!existsSync(file)) return undefined;
  const text = readText(file);
  let state: unknown;
  try {
    ({ state } = parse(text));
  } catch (error) {
    const [line] = (error as Error).message.split('\n');
    throw ClientError.of('invalid_settings', `${file}: ${line}`, { cause: error });
  }
  if (state === undefined) return undefined;
  if (typeof state !== 'string') throw ClientError.of('invalid_settings', `${file}: "state" is not a path`);
  return join(isAbsolute(state) ? state : join(folder, state), controlFile);
}

function userState(env: NodeJS.ProcessEnv, root: boolean): string {
  if (root) return '/var/lib/sallyport';
  return join(given(env, 'XDG_STATE_HOME') ?? join(given(env, 'HOME') ?? homedir(), '.local', 'state'), 'sallyport');
}
