"""A client of Python's grpcio that resolves xds: names. Commands and answers: see xds-client.ts."""

import json
import sys
import threading

import grpc

channels = {}
running = {}
printing = threading.Lock()


def main():
    for line in sys.stdin:
        command = json.loads(line)
        threading.Thread(target=answer, args=(command,), daemon=True).start()


def answer(command):
    tally = obey(command)
    with printing:
        print(json.dumps({"id": command["id"], **tally}), flush=True)


def obey(command):
    target = command["target"]
    if command["op"] == "call":
        tally = new_tally()
        metadata = list(command.get("metadata", {}).items())
        for _ in range(command["count"]):
            call(target, tally, metadata, command["timeoutMs"] / 1000)
        return tally
    loop = running.setdefault(target, Loop(target))
    if command["op"] == "begin":
        loop.start()
        return new_tally()
    if command["op"] == "end":
        loop.stop()
        del running[target]
    return loop.take()


class Loop:
    def __init__(self, target):
        self.target = target
        self.tally = new_tally()
        self.is_over = threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def start(self):
        self.thread.start()

    def run(self):
        while not self.is_over.wait(0.002):
            call(self.target, self.tally, [], 5)

    def stop(self):
        self.is_over.set()
        self.thread.join()

    def take(self):
        tally, self.tally = self.tally, new_tally()
        return tally


def call(target, tally, metadata, timeout):
    channel = channels.get(target)
    if channel is None:
        channel = channels[target] = grpc.insecure_channel(target)
    try:
        name = channel.unary_unary("/test.Echo/Who")(b"", timeout=timeout, metadata=metadata).decode()
        tally["answers"][name] = tally["answers"].get(name, 0) + 1
    except grpc.RpcError as error:
        tally["errors"].append(f"{error.code().name}: {error.details()}")


def new_tally():
    return {"answers": {}, "errors": []}


main()
