// Asks a Worker that listens on a unix socket to run a case.
import { request as startRequest } from 'node:http';
import type { RunRequest } from '../guest/context.ts';
import type { RunAnswer } from '../guest/run-case.ts';

interface Answer {
  status: number;
  isBody: boolean;
  text: string;
}

function ask(socketPath: string, path: string, body: string): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const request = startRequest(
      { socketPath, path, method: 'POST', agent: false, headers: { host: 'conformance.example' } },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (chunk: string) => (text += chunk));
        response.on('error', reject);
        response.on('end', () => {
          const isBody = response.headers['x-conformance'] === 'body';
          resolve({ status: response.statusCode ?? 0, isBody, text });
        });
      },
    );
    request.on('error', reject);
    request.end(body);
  });
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return { crashed: text };
  }
}

export async function askPart(socketPath: string, id: string): Promise<unknown> {
  return parse((await ask(socketPath, `/part?part=${id}`, '')).text);
}

/** The observation of a case; a part that the case left for later is run and added. */
export async function askCase(socketPath: string, request: RunRequest): Promise<unknown> {
  const { status, isBody, text } = await ask(socketPath, '/run', JSON.stringify(request));
  if (isBody) return { status, body: text };
  const answer = parse(text) as Partial<RunAnswer> & { crashed?: string };
  if (answer.observation === undefined) return { crashed: text };
  if (answer.afterwards === undefined) return answer.observation;
  return { during: answer.observation, afterwards: await askPart(socketPath, answer.afterwards) };
}
