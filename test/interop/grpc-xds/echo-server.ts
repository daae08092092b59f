import { Server, ServerCredentials } from '@grpc/grpc-js';

/** A gRPC server that answers with its name. */
export interface EchoServer {
  readonly name: string;
  readonly port: number;
  stop(): void;
}

const asIs = (bytes: Buffer) => bytes;

/** Starts a server on 127.0.0.1 that answers every call of `/test.Echo/Who` with `name`. */
export async function startEchoServer(name: string): Promise<EchoServer> {
  const server = new Server();
  const who = {
    path: '/test.Echo/Who',
    requestStream: false,
    responseStream: false,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  };
  const answer = (_call: unknown, reply: (error: null, value: Buffer) => void) => reply(null, Buffer.from(name));
  server.addService({ Who: who }, { Who: answer });
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) =>
      error === null ? resolve(bound) : reject(error),
    );
  });
  return { name, port, stop: () => server.forceShutdown() };
}
