// `node --import @sallyport/sockets/register app.mjs` makes `import { connect } from 'cloudflare:sockets'` work on Node, and
// `require()` of it, which packages compiled to CommonJS do: module hooks alone do not see that.
import Module, { register } from 'node:module';
import { fileURLToPath } from 'node:url';

type ResolveFilename = (request: string, ...rest: unknown[]) => string;

register('./resolve-hook.js', import.meta.url);

// The name under which loaders of CommonJS have always been changed.
const name = '_resolveFilename';
const loader = Module as unknown as Record<typeof name, ResolveFilename>;
const resolveFilename = loader[name];
const ourFilename = fileURLToPath(new URL('./index.js', import.meta.url));
loader[name] = function (this: unknown, request, ...rest) {
  return request === 'cloudflare:sockets' ? ourFilename : Reflect.apply(resolveFilename, this, [request, ...rest]);
};
