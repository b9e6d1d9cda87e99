// irc-framework: a channel, and what is said in it.
// @ts-expect-error It has no types.
import irc from 'irc-framework';
import { type Driver, isSecure } from '../driver.ts';

interface IrcEvent {
  nick: string;
  message: string;
  error: string;
}

export const ircFramework: Driver = {
  package: 'irc-framework',
  protocol: 'IRC',
  server: 'ngircd',
  note: 'An alias of `irc-framework` to `irc-framework/src/index.js`, because bundlers for Workers take its build for browsers, which speaks WebSocket only.',
  worker: {
    plain: 'works',
    tls: 'works',
    ca: { why: 'It has no option for an authority: the host has it instead.' },
    'host-certificate': { why: 'Not tried: ngIRCd asks no client for a certificate.' },
    'driver-certificate': { why: 'Not tried: ngIRCd asks no client for a certificate.' },
  },
  node: { why: "It takes a transport of one's own, which is a protocol of lines and no stream." },
  async exercise({ id, mode, host, port, password }) {
    const client = new irc.Client();
    const next = (name: string): Promise<IrcEvent> =>
      new Promise((resolve, reject) => {
        client.once(name, resolve).once('socket close', () => reject(new Error(`closed before ${name}`)));
      });
    client.connect({
      host,
      port,
      nick: id,
      password,
      tls: isSecure(mode),
      rejectUnauthorized: true,
      auto_reconnect: false,
    });
    await next('registered');
    const joined = next('join');
    client.join(`#${id}`);
    await joined;
    const answered = next('notice');
    client.notice(id, 'é'.repeat(100));
    const { message } = await answered;
    const refused = next('irc error');
    client.say(`nobody-${id}`, 'hello');
    const { error } = await refused;
    const closed = new Promise((resolve) => client.once('socket close', resolve));
    client.quit('done');
    await closed;
    return { message, error };
  },
  expected: () => ({ message: 'é'.repeat(100), error: 'no_such_nick' }),
};
