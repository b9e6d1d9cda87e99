// Rows read with `pg`, as on Cloudflare: the driver finds connect() by itself.
import { Client } from 'pg';

export async function rows(connectionString: string): Promise<unknown> {
  const client = new Client({ connectionString });
  await client.connect();
  try {
    const result = await client.query('select id, name, port from service where port > $1 order by id', [0]);
    return result.rows;
  } finally {
    await client.end();
  }
}
