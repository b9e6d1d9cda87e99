// The project's own build step (`build.command`), run before each bundling.
import { spawn } from 'node:child_process';
import { WorkersError } from '../errors.ts';

/** Output kept for the error message; a noisy build must not grow without bound. */
const outputLimit = 64 * 1024;

/** @throws WorkersError `build_command_failed` with the last of the command's output */
export function startBuildCommand(command: string, { cwd }: { cwd: string }): Promise<void> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, { cwd, shell: true, stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    const collect = (chunk: string): void => {
      output = (output + chunk).slice(-outputLimit);
    };
    child.stdout.setEncoding('utf8').on('data', collect);
    child.stderr.setEncoding('utf8').on('data', collect);
    const fail = (status: string, cause?: unknown): void =>
      reject(new WorkersError('build_command_failed', { command, status, output: output.trimEnd() }, { cause }));
    child.on('error', (error) => fail('it could not be started', error));
    child.on('close', (code, signal) => {
      if (code === 0) resolve();
      else fail(signal === null ? `exit code ${code}` : `killed by ${signal}`);
    });
  });
}
