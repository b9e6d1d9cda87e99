// Runs inside workerd: turns private HTTP requests into the events that have no HTTP form. The paths are wrangler's.

interface QueueMessage {
  id: string;
  timestamp: Date;
  body: unknown;
  attempts: number;
}

interface UserWorker {
  scheduled(event: { scheduledTime: Date; cron: string }): Promise<{ outcome: string }>;
  queue(name: string, messages: QueueMessage[]): Promise<{ outcome: string }>;
}

interface Handlers {
  fetch(request: Request, env: { USER: UserWorker }): Promise<Response>;
}

const usage = `Triggers:
  GET  /cdn-cgi/handler/scheduled?cron=*+*+*+*+*&time=MILLISECONDS
  POST /cdn-cgi/handler/queue?queue=NAME   with a JSON array of message bodies, or of { body, id, timestamp, attempts }
`;

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;

function toMessage(item: unknown): QueueMessage {
  const given = isRecord(item) && 'body' in item ? item : { body: item };
  return {
    id: typeof given['id'] === 'string' ? given['id'] : crypto.randomUUID().replaceAll('-', ''),
    timestamp: new Date((given['timestamp'] as string | number | undefined) ?? Date.now()),
    body: given.body,
    attempts: typeof given['attempts'] === 'number' ? given['attempts'] : 1,
  };
}

const toAnswer = (result: { outcome: string }): Response =>
  Response.json(result, { status: result.outcome === 'ok' ? 200 : 500 });

const refuse = (status: number, text: string): Response => new Response(`${text}\n`, { status });

async function queue(request: Request, url: URL, user: UserWorker): Promise<Response> {
  const name = url.searchParams.get('queue');
  if (request.method !== 'POST') return refuse(405, 'POST a JSON array of messages.');
  if (name === null) return refuse(400, 'Name the queue: ?queue=NAME');
  const items: unknown = await request.json().catch(() => undefined);
  if (!Array.isArray(items)) return refuse(400, 'The body has to be a JSON array of messages.');
  const messages = items.map((item) => toMessage(item));
  if (messages.some(({ timestamp }) => Number.isNaN(timestamp.getTime())))
    return refuse(400, 'A timestamp is not a date.');
  return toAnswer(await user.queue(name, messages));
}

async function scheduled(url: URL, user: UserWorker): Promise<Response> {
  const time = url.searchParams.get('time');
  const scheduledTime = time === null ? new Date() : new Date(Number(time));
  if (Number.isNaN(scheduledTime.getTime())) return refuse(400, 'time has to be milliseconds since 1970.');
  return toAnswer(await user.scheduled({ scheduledTime, cron: url.searchParams.get('cron') ?? '' }));
}

const handlers: Handlers = {
  async fetch(request, { USER: user }) {
    const url = new URL(request.url);
    if (url.pathname === '/cdn-cgi/handler/scheduled' || url.pathname === '/__scheduled') return scheduled(url, user);
    if (url.pathname === '/cdn-cgi/handler/queue') return queue(request, url, user);
    return refuse(404, usage);
  },
};

// oxlint-disable-next-line import/no-default-export -- workerd looks for it
export { handlers as default };
