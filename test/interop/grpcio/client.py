"""A client of Python's grpcio for the methods of ../rpc-grpcio.test.ts. Prints one line of JSON for each case.

usage: client.py PORT [CA_FILE CERT_FILE KEY_FILE]
"""

import json
import sys
import time

import grpc


def main():
    port, *files = sys.argv[1:]
    options = [("grpc.ssl_target_name_override", "xds.mesh.test")]
    if files:
        ca, cert, key = (open(name, "rb").read() for name in files)
        channel = grpc.secure_channel(
            f"127.0.0.1:{port}", grpc.ssl_channel_credentials(ca, key, cert), options
        )
    else:
        channel = grpc.insecure_channel(f"127.0.0.1:{port}")
    for name, case in cases.items():
        print(json.dumps({"case": name, **outcome(case, channel)}), flush=True)
    channel.close()


def outcome(case, channel):
    try:
        return {"got": case(channel)}
    except grpc.RpcError as error:
        return {"code": error.code().name, "details": error.details(), "trailers": texts(error.trailing_metadata())}


def texts(metadata):
    return {
        key: value.decode("latin1") if isinstance(value, bytes) else value
        for key, value in metadata or ()
        if key.startswith("x-") or key == "grpc-status-details-bin"
    }


def unary(channel):
    return channel.unary_unary("/test.Kinds/Upper")(b"hello").decode()


def gzip_both_ways(channel):
    method = channel.unary_unary("/test.Kinds/Upper")
    response = method(b"abc" * 100_000, compression=grpc.Compression.Gzip)
    return [len(response), response[:6].decode()]


def metadata(channel):
    response, call = channel.unary_unary("/test.Kinds/Metadata").with_call(
        b"", metadata=[("x-text", "some text"), ("x-bytes-bin", b"\x00\xff\x10"), ("x-bytes-bin", b"second")]
    )
    return {
        "response": response.decode(),
        "initial": texts(call.initial_metadata()),
        "trailing": texts(call.trailing_metadata()),
    }


def server_streaming(channel):
    return [message.decode() for message in channel.unary_stream("/test.Kinds/Count")(b"5")]


def client_streaming(channel):
    return channel.stream_unary("/test.Kinds/Join")(iter([b"a", b"b" * 100_000, b"c"])).decode()[-3:]


def bidi_streaming(channel):
    return [message.decode() for message in channel.stream_stream("/test.Kinds/Echo")(iter([b"one", b"", b"three"]))]


def deadline(channel):
    return channel.unary_unary("/test.Kinds/Sleep")(b"", timeout=0.2)


def cancel(channel):
    call = channel.unary_stream("/test.Kinds/Forever")(b"")
    first = next(call)
    call.cancel()
    try:
        next(call)
    except grpc.RpcError as error:
        deadline_s = time.monotonic() + 5
        while channel.unary_unary("/test.Kinds/Cancelled")(b"") == b"0" and time.monotonic() < deadline_s:
            time.sleep(0.01)
        seen = channel.unary_unary("/test.Kinds/Cancelled")(b"")
        return [first.decode(), error.code().name, seen.decode()]
    return None


def status_with_details(channel):
    return channel.unary_unary("/test.Kinds/Refuse")(b"")


def unimplemented(channel):
    return channel.unary_unary("/test.Kinds/Nothing")(b"")


def too_large(channel):
    return channel.unary_unary("/test.Kinds/Upper")(b"x" * 2_000_000)


def identity(channel):
    return channel.unary_unary("/test.Kinds/Identity")(b"").decode()


cases = {
    case.__name__: case
    for case in (
        unary,
        gzip_both_ways,
        metadata,
        server_streaming,
        client_streaming,
        bidi_streaming,
        deadline,
        cancel,
        status_with_details,
        unimplemented,
        too_large,
        identity,
    )
}

main()
