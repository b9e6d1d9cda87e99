// The module hook behind `register`: `cloudflare:sockets` is this package.
interface Resolution {
  url: string;
  shortCircuit?: boolean;
}

type NextResolve = (specifier: string, context: unknown) => Resolution | Promise<Resolution>;

export function resolve(specifier: string, context: unknown, next: NextResolve): Resolution | Promise<Resolution> {
  if (specifier !== 'cloudflare:sockets') return next(specifier, context);
  return { url: new URL('./index.js', import.meta.url).href, shortCircuit: true };
}
