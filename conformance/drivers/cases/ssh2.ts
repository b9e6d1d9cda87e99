// ssh2: a command, and a file by SFTP.
import { Client, type ClientChannel, type SFTPWrapper } from 'ssh2';
import { type Driver, largeLength } from '../driver.ts';

export const ssh2: Driver = {
  package: 'ssh2',
  protocol: 'SSH',
  server: 'openssh',
  note: 'An alias of `cpu-features`, whose native part cannot be bundled and is optional, to an empty file, and `"define": {"__dirname": "\'/\'"}`.',
  worker: { plain: 'works' },
  node: { plain: 'works' },
  async exercise({ host, port, user, privateKey }, open) {
    const client = new Client();
    await new Promise<void>((resolve, reject) => {
      client.once('ready', resolve).once('error', reject);
      client.connect({ host, port, username: user, privateKey, ...(open && { sock: open({ host, port }) }) });
    });
    const said = await run(client, 'cat; exit 3', 'é');
    const large = await run(client, 'cat', 'x'.repeat(largeLength));
    const sftp = await new Promise<SFTPWrapper>((resolve, reject) => {
      client.sftp((error, wrapper) => (error ? reject(error) : resolve(wrapper)));
    });
    const missing = await new Promise((resolve) => sftp.stat('/no/such/file', (error) => resolve(error?.message)));
    const closed = new Promise((resolve) => client.once('close', () => resolve(undefined)));
    client.end();
    await closed;
    return { said, large: large.text.length, missing: missing as string };
  },
  expected: () => ({ said: { text: 'é', code: 3 }, large: largeLength, missing: 'No such file' }),
};

function run(client: Client, command: string, input: string): Promise<{ text: string; code: number }> {
  return new Promise((resolve, reject) => {
    client.exec(command, (error: Error | undefined, channel: ClientChannel) => {
      if (error) return reject(error);
      const pieces: Buffer[] = [];
      let code = -1;
      channel.on('data', (piece: Buffer) => pieces.push(piece));
      channel.on('exit', (status: number) => (code = status));
      channel.on('close', () => resolve({ text: Buffer.concat(pieces).toString(), code }));
      channel.end(input);
    });
  });
}
