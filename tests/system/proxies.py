# SPDX-License-Identifier: Apache-2.0
"""What stands between the programs: an HTTP proxy with a hook, a byte tap for MQTT, a small MQTT client."""
import http.client
import http.server
import socket
import struct
import threading
import urllib.parse


class Drop(Exception):
    """Raised by a hook: the connection ends without an answer."""


class Exchange:
    """One request on its way. `forward()` gives (status, content type, body) of the real answer."""

    def __init__(self, proxy, method, path, headers, body):
        self.proxy, self.method, self.path, self.headers, self.body = proxy, method, path, headers, body

    def forward(self, body=None):
        if self.proxy.upstream is None:
            raise Drop
        target = urllib.parse.urlsplit(self.proxy.upstream)
        connection = http.client.HTTPConnection(target.hostname, target.port, timeout=60)
        try:
            connection.request(self.method, self.path, body=self.body if body is None else body, headers=self.headers)
            answer = connection.getresponse()
            return answer.status, answer.headers.get("content-type", ""), answer.read()
        except (OSError, http.client.HTTPException):
            raise Drop from None
        finally:
            connection.close()


class HttpProxy:
    """Passes everything on to `upstream`; with `hook`, hook(exchange) answers. `record` keeps (exchange, answer)."""

    def __init__(self):
        self.upstream, self.hook, self.record = None, None, None
        proxy = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                length = int(self.headers.get("content-length") or 0)
                body = self.rfile.read(length) if length else b""
                headers = {k: v for k, v in self.headers.items()
                           if k.lower() not in ("host", "connection", "content-length", "transfer-encoding")}
                exchange = Exchange(proxy, self.command, self.path, headers, body)
                try:
                    hook = proxy.hook
                    answer = hook(exchange) if hook else exchange.forward()
                except Drop:
                    self.close_connection = True
                    return
                record = proxy.record
                if record is not None:
                    record.append((exchange, answer))
                status, kind, content = answer
                try:
                    self.send_response(status)
                    self.send_header("content-type", kind)
                    self.send_header("content-length", str(len(content)))
                    self.end_headers()
                    self.wfile.write(content)
                except OSError:
                    self.close_connection = True

            do_GET = do_POST = do_PUT = do_DELETE = handle_any

            def log_message(self, *args):
                pass

        class Server(http.server.ThreadingHTTPServer):
            daemon_threads, request_queue_size, block_on_close = True, 256, False

            def handle_error(self, request, client_address):
                pass

        self.server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}"
        threading.Thread(target=self.server.serve_forever, kwargs={"poll_interval": 0.1}, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class Tap:
    """A TCP line to a port that keeps what clients sent; `open` False refuses."""

    def __init__(self, port):
        self.target, self.open, self.sent = port, True, []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            if not self.open:
                client.close()
                continue
            try:
                server = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                client.close()
                continue
            taken = bytearray()
            self.sent.append(taken)
            threading.Thread(target=self._pump, args=(client, server, taken), daemon=True).start()
            threading.Thread(target=self._pump, args=(server, client, None), daemon=True).start()

    @staticmethod
    def _pump(source, target, keep):
        try:
            while data := source.recv(65536):
                if keep is not None:
                    keep.extend(data)
                target.sendall(data)
        except OSError:
            pass
        for end in (source, target):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


def connect_packets(octets):
    """(client id, user name, password) of a recorded MQTT CONNECT, or None."""
    try:
        if octets[0] != 0x10:
            return None
        i, shift, length = 1, 0, 0
        while True:
            length |= (octets[i] & 0x7F) << shift
            shift += 7
            i += 1
            if octets[i - 1] < 0x80:
                break
        i += 10  # protocol name, level, flags, keep alive
        fields = []
        while len(fields) < 3:
            n = struct.unpack_from(">H", octets, i)[0]
            if len(octets) < i + 2 + n:
                return None
            fields.append(bytes(octets[i + 2:i + 2 + n]).decode())
            i += 2 + n
        return tuple(fields)
    except (IndexError, struct.error):
        return None


class Refused(Exception):
    """The broker didn't take us."""


class Mqtt:
    """MQTT 3.1.1, as much as the tests need."""

    def __init__(self, port, client_id, username, password, seconds=30):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=seconds)
        self.file = self.socket.makefile("rb")
        body = b"\x00\x04MQTT\x04\xc2\x00\x3c" + b"".join(map(self._text, (client_id, username, password)))
        self._send(0x10, body)
        kind, answer = self._read()
        if kind != 0x20 or answer[1] != 0:
            self.close()
            raise Refused(answer[1] if answer else -1)

    @staticmethod
    def _text(text):
        octets = text.encode()
        return struct.pack(">H", len(octets)) + octets

    def _send(self, first, body):
        length, n = b"", len(body)
        while True:
            length += bytes([(n & 0x7F) | (0x80 if n > 0x7F else 0)])
            n >>= 7
            if not n:
                break
        self.socket.sendall(bytes([first]) + length + body)

    def _read(self):
        first = self.file.read(1)
        if not first:
            return 0, b""
        length, shift = 0, 0
        while True:
            octet = self.file.read(1)[0]
            length |= (octet & 0x7F) << shift
            shift += 7
            if octet < 0x80:
                break
        return first[0], self.file.read(length)

    def subscribe(self, topic):
        """True when granted."""
        self._send(0x82, b"\x00\x01" + self._text(topic) + b"\x00")
        while True:
            kind, body = self._read()
            if kind == 0:
                return False
            if kind == 0x90:
                return body[2] != 0x80

    def publish(self, topic, payload):
        """Returns when the broker has acknowledged; it does so for refused messages too, and drops them."""
        self._send(0x32, self._text(topic) + b"\x00\x07" + payload)
        while True:
            kind, _ = self._read()
            if kind in (0, 0x40):
                return kind == 0x40

    def message(self, seconds=30):
        """(topic, payload) of the next message; TimeoutError."""
        self.socket.settimeout(seconds)
        while True:
            kind, body = self._read()
            if kind == 0:
                raise Refused("closed")
            if kind & 0xF0 == 0x30:
                n = struct.unpack_from(">H", body)[0]
                at = 2 + n + (2 if kind & 0x06 else 0)
                return body[2:2 + n].decode(), body[at:]

    def close(self):
        self.file.close()
        self.socket.close()
