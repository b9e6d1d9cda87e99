// Destinations that no Worker may reach, and what the error says.
import { attempt } from './attempt.ts';

const destinations = ['mail.example.com:25', '169.254.169.254:80', '[::ffff:169.254.169.254]:80', '2852039166:80'];

export function blocked(): Promise<unknown> {
  return Promise.all(destinations.map(attempt));
}
