#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""talk.py: sockets in several network namespaces, driven line by line.

Reads a command a line from stdin and answers each with a line. Sockets have names:

  listen NAME NETNS ADDRESS PORT               -> ok
  connect NAME NETNS ADDRESS ADDRESS PORT [LOCAL_PORT] -> the local port, or why not
  accept NAME LISTENER                         -> ok, or why not
  udp NAME NETNS ADDRESS PORT [ADDRESS PORT]   -> the local port; with a peer it is connected
  send NAME [ADDRESS PORT]                     -> ok, or why not
  answer NAME                                  -> receives, and sends back to where it came from
  reaches NAME NAME [ADDRESS PORT]             -> yes or no: what the first sends the second receives
  hears NAME                                   -> yes or no: something arrives; or why not
  flood NAME ADDRESS                           -> ok: sends to every port of an address
  shut NAME, close NAME, reset NAME            -> ok
  many COUNT NETNS ADDRESS NETNS ADDRESS PORT  -> ok: so many connections, half of them each way
  all                                          -> how many of them carry a message both ways
  stream                                       -> ok: from now on all of them carry data all the time
  streamed                                     -> ends that: how many have lost nothing of it
  error NETNS ADDRESS ADDRESS SPORT DPORT PROTO -> ok: an ICMP error about a packet from the second
                                                  address to the first
"""
import ctypes
import os
import socket
import struct
import sys
import threading
import time

CLONE_NEWNET = 0x40000000
SECONDS = 1.0
CONNECT_SECONDS = 2.0
STREAM_END_SECONDS = 5.0
libc = ctypes.CDLL(None, use_errno=True)
home = os.open("/proc/self/ns/net", os.O_RDONLY)
sockets, pairs = {}, []
serial = 0
streams = None


def enter(fd):
    if libc.setns(fd, CLONE_NEWNET):
        raise OSError(ctypes.get_errno(), "setns")


def open_socket(netns, family, kind, protocol=0):
    """A socket stays in the namespace that it was made in."""
    fd = os.open(f"/run/netns/{netns}", os.O_RDONLY)
    enter(fd)
    try:
        made = socket.socket(family, kind, protocol)
    finally:
        enter(home)
        os.close(fd)
    made.settimeout(SECONDS)
    return made


def family_of(address):
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def token():
    global serial
    serial += 1
    return f"message {serial:10}".encode()


def listen(name, netns, address, port):
    made = open_socket(netns, family_of(address), socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.bind((address, int(port)))
    made.listen(4096)
    sockets[name] = made
    return "ok"


def connect(name, netns, address, peer, port, local_port="0"):
    made = open_socket(netns, family_of(address), socket.SOCK_STREAM)
    made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    made.settimeout(CONNECT_SECONDS)
    made.bind((address, int(local_port)))
    made.connect((peer, int(port)))
    made.settimeout(SECONDS)
    sockets[name] = made
    return made.getsockname()[1]


def accept(name, listener):
    sockets[name], _ = sockets[listener].accept()
    sockets[name].settimeout(SECONDS)
    return "ok"


def udp(name, netns, address, port, peer=None, peer_port=None):
    made = open_socket(netns, family_of(address), socket.SOCK_DGRAM)
    made.bind((address, int(port)))
    if peer:
        made.connect((peer, int(peer_port)))
    sockets[name] = made
    return made.getsockname()[1]


def put(name, text, address=None, port=None):
    if address:
        sockets[name].sendto(text, (address, int(port)))
    else:
        sockets[name].send(text)


def send(name, address=None, port=None):
    put(name, token(), address, port)
    return "ok"


def answer(name):
    text, peer = sockets[name].recvfrom(2048)
    sockets[name].sendto(text, peer)
    return "ok"


def reaches(sender, receiver, address=None, port=None):
    text = token()
    put(sender, text, address, port)
    try:
        while True:
            if sockets[receiver].recv(2048).endswith(text):
                return "yes"
    except TimeoutError:
        return "no"


def hears(name):
    try:
        return "yes" if sockets[name].recv(2048) else "end"
    except TimeoutError:
        return "no"


def flood(name, address):
    for port in range(1, 65536):
        try:
            sockets[name].sendto(b"", (address, port))
        except ConnectionRefusedError:
            pass
    return "ok"


def shut(name):
    sockets[name].shutdown(socket.SHUT_WR)
    return "ok"


def close(name):
    sockets.pop(name).close()
    return "ok"


def reset(name):
    sockets[name].setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    return close(name)


def many(count, netns, address, other_netns, other, port):
    ends = ((netns, address, other_netns, other), (other_netns, other, netns, address))
    for opener, source, acceptor, target in ends:
        listen("many", acceptor, target, port)
        for _ in range(int(count) // 2):
            connect("one", opener, source, target, port)
            accept("other", "many")
            pairs.append((sockets.pop("one"), sockets.pop("other")))
        close("many")
    return "ok"


def carries(sender, receiver):
    text = token()
    try:
        sender.send(text)
        return receiver.recv(len(text), socket.MSG_WAITALL) == text
    except OSError:
        return False


def all_pairs():
    return sum(carries(a, b) and carries(b, a) for a, b in pairs)


class Stream:
    """One way of a connection. What is sent counts up, so that what arrives can be told to be all of it."""
    def __init__(self, sender, receiver):
        self.sender, self.receiver, self.sent, self.got, self.broken = sender, receiver, 0, 0, False

    def push(self):
        try:
            self.sent += self.sender.send(bytes(i & 255 for i in range(self.sent, self.sent + 64)),
                                          socket.MSG_DONTWAIT)
        except BlockingIOError:
            pass
        except OSError:
            self.broken = True

    def pull(self):
        try:
            data = self.receiver.recv(1 << 16, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        self.broken |= not data or any(byte != self.got + i & 255 for i, byte in enumerate(data))
        self.got += len(data)

    def is_whole(self):
        return not self.broken and self.sent and self.got == self.sent


class Streams(threading.Thread):
    def __init__(self):
        super().__init__(daemon=True)
        self.all = [Stream(*ends) for a, b in pairs for ends in ((a, b), (b, a))]
        self.ending = threading.Event()

    def run(self):
        while not self.ending.is_set():
            for one in self.all:
                one.push()
                one.pull()
            time.sleep(0.002)
        until = time.monotonic() + STREAM_END_SECONDS
        while time.monotonic() < until and not all(one.is_whole() for one in self.all):
            for one in self.all:
                one.pull()


def stream():
    global streams
    streams = Streams()
    streams.start()
    return "ok"


def streamed():
    streams.ending.set()
    streams.join()
    return sum(a.is_whole() and b.is_whole() for a, b in zip(*[iter(streams.all)] * 2))


def checksum(data):
    total = sum(struct.unpack(f"!{len(data) // 2}H", data))
    while total >> 16:
        total = (total & 0xffff) + (total >> 16)
    return ~total & 0xffff


def error(netns, source, destination, sport, dport, protocol):
    """Unreachable, from `source`, for what `destination` is said to have sent to `source`."""
    family = family_of(source)
    packed = [socket.inet_pton(family, address) for address in (destination, source)]
    l4 = struct.pack("!HHHH", int(sport), int(dport), 8, 0)
    if family == socket.AF_INET:
        inner = struct.pack("!BBHHHBBH", 0x45, 0, 28, 0, 0, 64, int(protocol), 0)
        message = bytearray(struct.pack("!BBHI", 3, 3, 0, 0) + inner + b"".join(packed) + l4)
        message[2:4] = struct.pack("!H", checksum(message))
        sender = open_socket(netns, family, socket.SOCK_RAW, socket.IPPROTO_ICMP)
    else:
        inner = struct.pack("!IHBB", 0x60000000, 8, int(protocol), 64)
        message = struct.pack("!BBHI", 1, 4, 0, 0) + inner + b"".join(packed) + l4
        sender = open_socket(netns, family, socket.SOCK_RAW, socket.IPPROTO_ICMPV6)
    sender.bind((source, 0))
    sender.sendto(message, (destination, 0))
    sender.close()
    return "ok"


COMMANDS = {function.__name__: function for function in
            (listen, connect, accept, udp, send, answer, reaches, hears, flood, shut, close, reset,
             many, stream, streamed, error)} | {"all": all_pairs}


def obey(line):
    words = line.split()
    try:
        return COMMANDS[words[0]](*words[1:])
    except TimeoutError:
        return "timeout"
    except OSError as problem:
        return problem.strerror


for command in sys.stdin:
    print(obey(command), flush=True)
