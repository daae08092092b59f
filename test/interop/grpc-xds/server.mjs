// A server of grpc-js that waits until xDS lets it serve at PORT, and answers every call with NAME.
import { ServerCredentials } from '@grpc/grpc-js';
import { register, XdsServer, XdsServerCredentials } from '@grpc/grpc-js-xds';

register();

const [port, name] = process.argv.slice(2);
const asIs = (bytes) => bytes;
const who = {
  path: '/test.Echo/Who',
  requestStream: false,
  responseStream: false,
  requestSerialize: asIs,
  requestDeserialize: asIs,
  responseSerialize: asIs,
  responseDeserialize: asIs,
};
const server = new XdsServer();
server.addService({ Who: who }, { Who: (_call, answer) => answer(null, Buffer.from(name)) });
const credentials = new XdsServerCredentials(ServerCredentials.createInsecure());
server.bindAsync(`127.0.0.1:${port}`, credentials, (error) => {
  if (error !== null) throw error;
});
