import type { FastifyRequest } from 'fastify';
import { yamlTypes } from '../../body.ts';
import { ApiError, failure } from '../../status.ts';
import type { BodyFormat, BodyItem, BodyShape } from './contract.ts';
import { protobufType } from './kubernetes-protobuf.ts';
import { parseBody } from './parse.ts';
import { parseInThread } from './thread.ts';

/** Largest body that is parsed in the serving thread. YAML takes much longer to parse than JSON. */
const atOnceBytes: Readonly<Record<BodyFormat, number>> = {
  json: 256 * 1024,
  yaml: 32 * 1024,
  protobuf: 256 * 1024,
};

/** Reads the single value of a body; null if there is no body. Throws a 400 that names the mistake. */
export async function readBody(request: FastifyRequest): Promise<BodyItem | null> {
  const [item] = await read(request, 'one');
  return item ?? null;
}

/** Reads all objects of a body. Throws a 400 that names the mistake. */
export const readObjects = (request: FastifyRequest): Promise<readonly BodyItem[]> => read(request, 'many');

/** Returns the media type of a body without parameters. */
export const mediaType = (request: FastifyRequest): string =>
  (request.headers['content-type'] ?? 'application/json').split(';', 1)[0]?.trim().toLowerCase() ?? '';

async function read(request: FastifyRequest, shape: BodyShape): Promise<readonly BodyItem[]> {
  const bytes = request.body;
  if (!(bytes instanceof Uint8Array) || bytes.length === 0) return []; // the parsers of routes.ts return bytes
  const format = formatOf(mediaType(request));
  const task = { bytes, format, shape } as const;
  const parsed = bytes.length <= atOnceBytes[format] ? parseBody(bytes, format, shape) : await parseInThread(task);
  if (!parsed.ok) throw new ApiError(failure('BadRequest', parsed.error));
  return parsed.value;
}

function formatOf(type: string): BodyFormat {
  if (type === protobufType) return 'protobuf';
  return yamlTypes.includes(type) ? 'yaml' : 'json';
}
