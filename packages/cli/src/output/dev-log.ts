// What `sallyport dev` prints: for people, coloured lines; with `--json`, one object a line.
import { styleText } from 'node:util';
import {
  ConfigurationError,
  EdgeError,
  type GatewayEvent,
  type HostEvent,
  type RequestEvent,
  type TlsEvent,
  type TunnelEvent,
} from '@sallyport/edge';
import { BuildError, formatDiagnostics, type RuntimeLog, WorkersError } from '@sallyport/workers';
import { toSafeLine, toSafeText } from './safe-text.ts';

export interface DevLog {
  host(event: HostEvent): void;
  gateway(event: GatewayEvent): void;
  request(event: RequestEvent): void;
  tunnel(event: TunnelEvent): void;
  tls(event: TlsEvent): void;
  /** The address to open. */
  listening(url: string): void;
  /** A line of our own. */
  say(text: string): void;
}

interface Output {
  write(text: string): void;
  color: boolean;
  cwd: string;
  /** Say the host of each request too. */
  hosts?: boolean;
  /** The Worker whose events are printed, where there are several. */
  worker?: string | undefined;
}

export function createJsonLog({ write, worker }: Output): DevLog {
  const line = (kind: string, value: object): void =>
    write(
      `${JSON.stringify({ kind, ...(worker === undefined ? {} : { worker }), ...value }, (_key, item: unknown) => (item instanceof Error ? toFields(item) : item))}\n`,
    );
  return {
    host: ({ type, ...event }) => line(type, event),
    gateway: ({ kind, ...event }) => line(kind, event),
    request: (event) => line('request', event),
    tunnel: ({ type, ...event }) => line(type, event),
    tls: ({ type, ...event }) => line(type, event),
    listening: (url) => line('listening', { url }),
    say: (message) => line('message', { message }),
  };
}

export function createTextLog({ write, color, cwd, worker, hosts = false }: Output): DevLog {
  const paint = (style: Parameters<typeof styleText>[0], text: string): string =>
    color ? styleText(style, text, { validateStream: false }) : text;
  const safe = (text: string): string => toSafeText(text, { color });
  const prefix = worker === undefined ? '' : paint('cyan', `[${worker}] `);
  const line = (text: string): void => write(`${prefix}${text}\n`);
  const print: { [Type in HostEvent['type']]: (event: Extract<HostEvent, { type: Type }>) => void } = {
    diagnostics: ({ diagnostics }) => line(formatDiagnostics(diagnostics, { color, cwd })),
    ready: ({ took, bytes, reload }) =>
      line(
        paint('green', `${reload ? 'Reloaded' : 'Ready'} in ${took.toFixed(0)} ms`) +
          paint('dim', ` (${(bytes / 1024).toFixed(0)} KiB)`),
      ),
    unchanged: () => line(paint('dim', 'No change')),
    failed: ({ error, stillRunning }) => {
      if (error instanceof BuildError) line(formatDiagnostics(error.diagnostics, { color, cwd }));
      else if (error instanceof ConfigurationError) line(paint('red', error.message));
      else if (error instanceof EdgeError) line(`${paint('red', safe(error.message))}\n  ${safe(error.remedy)}`);
      else line(paint('red', error instanceof WorkersError ? safe(toUserText(error)) : (error.stack ?? error.message)));
      if (stillRunning) line(paint('yellow', 'The previous version still runs.'));
    },
    log: ({ log }) => line(toLogText(log, paint, safe)),
    crashed: ({ output, restartIn }) =>
      line(
        paint('red', `The runtime crashed${restartIn === undefined ? '; it stays down until a file changes' : ''}.`) +
          `\n${safe(output)}`,
      ),
    cron: ({ cron, outcome }) => line(`${paint('cyan', 'cron')} ${cron} ${outcome}`),
  };
  return {
    host: (event) => (print[event.type] as (event: HostEvent) => void)(event),
    gateway: (event) => line(toGatewayText(event, paint)),
    request: ({ method, target, host, status, took }) =>
      line(
        `${paint('bold', method)} ${hosts ? toSafeLine(host) : ''}${toSafeLine(target)} ${paint(status < 400 ? 'green' : 'red', String(status))} ${ms(took)}`,
      ),
    tunnel: (event) => line(toTunnelText(event, paint)),
    tls: (event) => line(toTlsText(event, paint)),
    listening: (url) => line(`Listening on ${paint('bold', url)}`),
    say: line,
  };
}

/** What an error says, for machines; its places when it is the user's. */
function toFields(error: Error): object {
  const { name, message } = error;
  const { code, remedy } = error as Error & { code?: unknown; remedy?: unknown };
  const diagnostics =
    error instanceof BuildError || error instanceof ConfigurationError ? error.diagnostics : undefined;
  return { name, message, code, remedy, diagnostics };
}

function toTunnelText(event: TunnelEvent, paint: Paint): string {
  if (event.type === 'network-missing') {
    const { worker, network } = event;
    return `${paint('yellow', 'Warning')}: there is no virtual network ${toSafeLine(network)}, which Worker ${toSafeLine(worker)} uses\n  Make it with: sallyport tunnel vnet add ${toSafeLine(network)}`;
  }
  if (event.type === 'link-refused' || event.type === 'control-failed') {
    const { message, remedy } = event.error as Error & { remedy?: string };
    const what = event.type === 'link-refused' ? 'A connector was refused' : 'Tunnels';
    return `${paint('red', what)}: ${toSafeLine(message)}${remedy === undefined ? '' : `\n  ${toSafeLine(remedy)}`}`;
  }
  const { tunnel, connectorId, links } = event;
  const up = event.type === 'link-registered';
  const what = paint(up ? 'green' : 'yellow', up ? 'link up' : 'link down');
  return `tunnel ${toSafeLine(tunnel)} ${what} ${paint('dim', connectorId)} (${links} ${links === 1 ? 'link' : 'links'})`;
}

function toTlsText(event: TlsEvent, paint: Paint): string {
  if (event.type === 'tls-changed') {
    return `${paint('green', 'Certificates')}: ${toSafeLine(event.files.join(' and '))} changed; new connections use it (${toSafeLine(event.who)})`;
  }
  if (event.type === 'tls-unusable') {
    const { who, error, kept } = event;
    const { remedy } = error as { remedy?: string };
    const then = kept ? 'What was there before is still used.' : 'Connections that need it fail.';
    return `${paint('red', 'Certificates')}: ${toSafeLine(who)}: ${toSafeLine(error.message)}\n  ${then}${remedy === undefined ? ' Correct the file; it is looked at again then.' : ` ${remedy}`}`;
  }
  const { use, name, source, daysLeft } = event;
  const what = use === 'client' ? 'client certificate' : 'authority';
  const when = daysLeft < 0 ? 'has expired' : `ends in ${daysLeft} ${daysLeft === 1 ? 'day' : 'days'}`;
  return `${paint(daysLeft < 0 ? 'red' : 'yellow', 'Certificates')}: the ${what} ${toSafeLine(name)} ${when} (${toSafeLine(source)})\n  Renew it in place: no restart is needed.`;
}

type Safe = (text: string) => string;
type Paint = (style: Parameters<typeof styleText>[0], text: string) => string;

function toGatewayText(event: GatewayEvent, paint: Paint): string {
  const { kind, destination, decision, code, message, took, secure, method, status } = event;
  const what = kind === 'fetch' ? `fetch ${method} ` : kind === 'websocket' || kind === 'database' ? `${kind} ` : '';
  const through = event.binding === undefined ? '' : `env.${toSafeLine(event.binding)} `;
  const where = `${through}${what}${toSafeLine(destination)}${secure ? ' (TLS)' : ''}`;
  const route = decision?.route;
  const way = route?.kind === 'tunnel' ? ` via tunnel ${toSafeLine(route.tunnelName)}` : '';
  const rule = decision === undefined ? '' : paint('dim', ` ${decision.rule}${way}`);
  if (code === undefined && message === undefined) {
    return `  ${paint('green', '→')} ${where}${rule} ${status === undefined ? '' : `${status} `}${ms(took)}`;
  }
  const failed = `  ${paint('red', '✗')} ${where} ${paint('red', code ?? 'failed')}${rule}`;
  // The documented text of a refused connection says less than its code and rule.
  const { detail, remedy } = event;
  if (decision?.verdict === 'deny')
    return `${failed}\n    ${(kind === 'database' ? remedy : undefined) ?? decision.remedy}`;
  return `${failed}: ${toSafeLine(detail ?? message ?? '')}${remedy === undefined ? '' : `\n    ${remedy}`}`;
}

function toLogText({ kind, level, message, exception }: RuntimeLog, paint: Paint, safe: Safe): string {
  const style = level === 'error' ? 'red' : level === 'warn' ? 'yellow' : 'reset';
  const remedy = exception?.remedy === undefined ? '' : safe(`\n  ${exception.remedy}`);
  return kind === 'runtime' ? paint('dim', safe(message)) : paint(style, safe(message)) + remedy;
}

function toUserText(error: WorkersError): string {
  return error.remedy === '' ? error.message : `${error.message}\n${error.remedy}`;
}

function ms(milliseconds: number): string {
  return `${milliseconds < 10 ? milliseconds.toFixed(1) : milliseconds.toFixed(0)} ms`;
}
