"""A server of Python's grpcio that waits until xDS lets it serve at PORT, and answers every call with NAME."""

import sys
from concurrent import futures

import grpc

port, name = sys.argv[1:]
who = grpc.unary_unary_rpc_method_handler(lambda _request, _context: name.encode())
server = grpc.server(futures.ThreadPoolExecutor(4), xds=True)
server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("test.Echo", {"Who": who}),))
credentials = grpc.xds_server_credentials(grpc.insecure_server_credentials())
server.add_secure_port(f"127.0.0.1:{port}", credentials)
server.start()
server.wait_for_termination()
