// One attempt to connect, and what the error says.
import { connect } from 'cloudflare:sockets';

export async function attempt(destination: string): Promise<unknown> {
  try {
    const socket = connect(destination);
    await socket.opened;
    await socket.close();
    return { destination, reached: true };
  } catch (error) {
    const { code, message, remedy } = error as Error & { code?: string; remedy?: string };
    return { destination, reached: false, code, message, remedy };
  }
}
