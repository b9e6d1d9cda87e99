// `/accounts/A/mtls_certificates`: authorities and client certificates, as `wrangler cert` uses them.
import type { Certificate } from '../domain/certificates.ts';
import type { Control } from '../domain/control.ts';
import { ControlError } from '../errors.ts';
import { ApiError, succeeded } from './envelope.ts';
import { queryBoolean, queryText, toPage } from './request.ts';
import type { ApiRoute } from './router.ts';

export function certificateHandlers({ certificates }: Pick<Control, 'certificates'>): ApiRoute[] {
  const path = '/accounts/:account/mtls_certificates';
  return [
    {
      method: 'GET',
      path,
      handle({ query }) {
        const filter = { name: queryText(query, 'name'), ca: queryBoolean(query, 'ca') };
        return toPage(query, certificates.list(filter));
      },
    },
    {
      method: 'POST',
      path,
      async handle({ body }) {
        const ca = body.boolean('ca');
        if (ca === undefined) throw new ApiError('invalid_request', '"ca" is missing');
        const certificate = await certificates.upload({
          ca,
          name: body.text('name'),
          certificates: body.requiredText('certificates'),
          private_key: body.text('private_key'),
        });
        return succeeded(certificate);
      },
    },
    {
      method: 'GET',
      path: `${path}/:id`,
      handle({ parameters: { id = '' } }) {
        const found: Certificate | undefined = certificates.get(id.toLowerCase());
        if (found === undefined) throw new ControlError('not_found', `certificate ${id}`);
        return succeeded(found);
      },
    },
    {
      // Ours: a certificate that is renewed keeps its id, so nothing that names it needs to change.
      method: 'PUT',
      path: `${path}/:id`,
      async handle({ parameters: { id = '' }, body }) {
        const certificate = await certificates.replace(id.toLowerCase(), {
          certificates: body.requiredText('certificates'),
          private_key: body.text('private_key'),
        });
        return succeeded(certificate);
      },
    },
    {
      method: 'DELETE',
      path: `${path}/:id`,
      handle: async ({ parameters: { id = '' } }) => succeeded(await certificates.delete(id.toLowerCase())),
    },
  ];
}
