#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""The servers of the demo's edge host, IPv4 and IPv6: HTTP on port 80, and greetings on 21 to 23.

Argument: a file that is created once all of them listen.
"""
import http.server
import socket
import socketserver
import sys
import threading

GREETINGS = {21: b"220 edge FTP server ready\r\n", 22: b"SSH-2.0-demo\r\n", 23: b"edge login: "}


class Page(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1  # headers and body in one segment: no waiting for an acknowledgement

    def do_GET(self):
        body = b"hello from the edge\n"
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format, *args):
        pass


class Greeting(socketserver.BaseRequestHandler):
    def handle(self):
        self.request.sendall(GREETINGS[self.server.server_address[1]])


class DualStack(socketserver.ThreadingTCPServer):
    address_family = socket.AF_INET6
    allow_reuse_address = True
    daemon_threads = True
    request_queue_size = 64

    def server_bind(self):
        self.socket.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        super().server_bind()

    def handle_error(self, request, client_address):
        """Clients that go early are what a firewall makes of them."""


def main():
    servers = [DualStack(("::", 80), Page)]
    servers += [DualStack(("::", port), Greeting) for port in GREETINGS]
    for server in servers[1:]:
        threading.Thread(target=server.serve_forever, daemon=True).start()
    with open(sys.argv[1], "w", encoding="utf-8"):
        pass
    servers[0].serve_forever()


if __name__ == "__main__":
    main()
