// Destinations that no Worker may reach, and what the error says.
import { connect } from 'cloudflare:sockets';

const destinations = ['mail.example.com:25', '169.254.169.254:80', '[::ffff:169.254.169.254]:80', '2852039166:80'];

export async function blocked(): Promise<unknown> {
  return Promise.all(
    destinations.map(async (destination) => {
      try {
        await connect(destination).opened;
        return { destination, reached: true };
      } catch (error) {
        const { code, message, remedy } = error as Error & { code?: string; remedy?: string };
        return { destination, reached: false, code, message, remedy };
      }
    }),
  );
}
