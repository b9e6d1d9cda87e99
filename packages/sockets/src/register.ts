// `node --import @sallyport/sockets/register app.mjs` makes `import { connect } from 'cloudflare:sockets'` work on Node.
import { register } from 'node:module';

register('./resolve-hook.js', import.meta.url);
