// What an operator does once for the demo's private network: a tunnel, and the routes that lead into it.
import { type Control, ControlError } from '@sallyport/control';

const hostnames = ['db.internal', 'mail.internal', 'echo.internal'];
const network = '10.77.0.0/16';

/** The id of the tunnel `demo`, made with its routes where they are not there from an earlier run. */
export async function setUpTunnel(control: Control): Promise<string> {
  const { id } = control.tunnels.find('demo') ?? (await control.tunnels.create({ name: 'demo' }));
  for (const hostname of hostnames) await unlessThere(control.routes.hostnames.create({ hostname, tunnel_id: id }));
  await unlessThere(control.routes.ip.create({ network, tunnel_id: id }));
  return id;
}

async function unlessThere(creation: Promise<unknown>): Promise<void> {
  await creation.catch((error: unknown) => {
    if (!(error instanceof ControlError) || error.code !== 'already_exists') throw error;
  });
}
