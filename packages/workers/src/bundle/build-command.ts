// The project's own build step (`build.command`), run before each bundling.
import { spawn } from 'node:child_process';
import { WorkersError } from '../errors.ts';

/** Output kept for the error message; a noisy build must not grow without bound. */
const outputLimit = 64 * 1024;

/**
 * Runs the command to its end, or until `signal` ends it and everything it started.
 *
 * @throws WorkersError `build_command_failed` with the last of the command's output
 */
export function startBuildCommand(
  command: string,
  { cwd, signal: stop }: { cwd: string; signal: AbortSignal },
): Promise<void> {
  return new Promise((resolve, reject) => {
    // A process group of its own, so that what the shell started ends with it.
    const child = spawn(command, { cwd, shell: true, detached: true, stdio: ['ignore', 'pipe', 'pipe'] });
    const end = (): void => {
      if (child.pid !== undefined) process.kill(-child.pid, 'SIGTERM');
    };
    if (stop.aborted) end();
    else stop.addEventListener('abort', end);
    let output = '';
    const collect = (chunk: string): void => {
      output = (output + chunk).slice(-outputLimit);
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    const fail = (status: string, cause?: unknown): void =>
      reject(new WorkersError('build_command_failed', { command, status, output: output.trimEnd() }, { cause }));
    child.on('error', (error) => fail('it could not be started', error));
    child.on('exit', () => stop.removeEventListener('abort', end));
    child.on('close', (code, signal) => {
      if (code === 0) resolve();
      else fail(signal === null ? `exit code ${code}` : `killed by ${signal}`);
    });
  });
}
