import type { HttpRoutes } from '../server.ts';
import { ApiError, failure } from '../status.ts';
import { admit, readAdmission, type WebhookAdmissionOptions } from './admission.ts';

/** Serves `POST /validate`, the validating webhook of a cluster's API server. */
export function webhookRoutes(options: WebhookAdmissionOptions): HttpRoutes {
  return (server) => {
    server.post('/validate', async (request) => {
      const asked = readAdmission(request.body);
      if (!asked.ok) throw new ApiError(failure('BadRequest', asked.error));
      return admit(asked.value, options);
    });
  };
}
