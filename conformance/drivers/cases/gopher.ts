// Gopher, by the sockets API itself: a request of one line, and an answer that ends with the connection.
import { type Driver, largeLength } from '../driver.ts';
import type { OpenStream } from '../socket-stream.ts';

async function ask(host: string, port: number, selector: string, open?: OpenStream): Promise<string> {
  const line = new TextEncoder().encode(`${selector}\r\n`);
  if (open !== undefined) {
    const stream = open({ host, port });
    stream.write(line);
    return Buffer.concat(await stream.toArray()).toString();
  }
  const { connect } = await import('cloudflare:sockets');
  const socket = connect(`${host}:${port}`);
  await socket.writable.getWriter().write(line);
  const text = await new Response(socket.readable).text();
  await socket.close();
  return text;
}

export const gopher: Driver = {
  package: '@sallyport/sockets',
  protocol: 'Gopher',
  server: 'gophernicus',
  worker: { plain: 'works' },
  node: { plain: 'works' },
  async exercise({ host, port }, open) {
    const hello = await ask(host, port, '/hello.txt', open);
    const large = await ask(host, port, '/large.txt', open);
    const missing = await ask(host, port, '/none.txt', open);
    return { hello: hello.trim(), large: large.split('x').length - 1, error: missing.slice(0, 5) };
  },
  expected: () => ({ hello: 'é', large: largeLength, error: 'Error' }),
};
