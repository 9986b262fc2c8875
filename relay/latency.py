#!/usr/bin/env python3
"""What the relay adds to a lease read: the same request to a node on a pipe, and to three nodes with relays.

Needs target/release/leasehold and target/relay/release/leasehold-relay (docs/guide/relay.md builds them), and OpenSSL.
"""

import contextlib
import json
import pathlib
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
NODE = [str(ROOT / "target/release/leasehold"), "--in-memory", "--quiet"]
RELAY = str(ROOT / "target/relay/release/leasehold-relay")
NAMES = ["n1", "n2", "n3"]
REQUESTS = 3000


def asker(write, read, **ends):
    """A function that sends a body and returns the answer's body."""

    def ask(body):
        write.write((json.dumps({**ends, "body": {"msg_id": 1, **body}}) + "\n").encode())
        write.flush()
        return json.loads(read.readline())["body"]

    return ask


def free_ports(count):
    with contextlib.ExitStack() as held:
        sockets = [held.enter_context(socket.create_server(("127.0.0.1", 0))) for _ in range(count)]
        return [each.getsockname()[1] for each in sockets]


def connect(port):
    stream = socket.create_connection(("127.0.0.1", port))
    stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    file = stream.makefile("rwb")
    return asker(file, file)


def measure(folder, stack):
    node = stack.enter_context(subprocess.Popen(NODE, stdin=subprocess.PIPE, stdout=subprocess.PIPE))
    stack.callback(node.terminate)
    pipe = asker(node.stdin, node.stdout, src="c1", dest="n1")
    pipe({"type": "init", "node_id": "n1", "node_ids": ["n1"]})

    subprocess.run([ROOT / "relay/certificates", folder, *NAMES], check=True, stdout=subprocess.DEVNULL)
    ports = free_ports(2 * len(NAMES))
    peers = folder / "peers"
    peers.write_text("".join(f"{name} 127.0.0.1:{port}\n" for name, port in zip(NAMES, ports)))
    for name, listen, clients in zip(NAMES, ports, ports[len(NAMES) :]):
        options = {"name": name, "listen": f"127.0.0.1:{listen}", "clients": f"127.0.0.1:{clients}", "peers": peers}
        options |= {"init": ",".join(NAMES), "ca": folder / "ca.pem"}
        options |= {"cert": folder / f"{name}.pem", "key": folder / f"{name}.key"}
        given = [f"--{option}={value}" for option, value in options.items()]
        relay = stack.enter_context(subprocess.Popen([RELAY, *given, "--", *NODE], stderr=subprocess.DEVNULL))
        stack.callback(relay.terminate)
    time.sleep(1)
    asks = dict(zip(NAMES, map(connect, ports[len(NAMES) :])))

    write = {"type": "write", "key": 1, "value": 2}
    while any(ask(write)["type"] != "write_ok" for ask in [pipe, *asks.values()]):
        time.sleep(0.1)
    leader = asks["n1"]({"type": "status"})["leader"]
    follower = next(name for name in NAMES if name != leader)
    # In turns, so that whatever else the machine does slows all of them.
    ways = {"a node on a pipe": pipe, "the leader's relay": asks[leader], "a follower's relay": asks[follower]}
    times = {way: [] for way in ways}
    for _ in range(REQUESTS):
        for way, ask in ways.items():
            begun = time.perf_counter()
            answer = ask({"type": "lease_read", "key": 1})
            times[way].append(time.perf_counter() - begun)
            assert answer.get("lease_valid"), answer
    for way, taken in times.items():
        taken.sort()
        median, most = (taken[int(REQUESTS * part)] * 1e6 for part in (0.5, 0.99))
        print(f"{way:20} median {median:4.0f} us, 99 of 100 within {most:4.0f} us")


with tempfile.TemporaryDirectory() as temporary, contextlib.ExitStack() as processes:
    measure(pathlib.Path(temporary), processes)
