/** Command lines in which programs of Debian talk to each other over sockets, all inside one run. */
import type { CommandLine } from "./debian-cases.ts";

export const NETWORK_PACKAGES = [
  "bash",
  "curl",
  "iproute2",
  "nginx-light",
  "redis-server",
  "redis-tools",
  "socat",
] as const;

const python = (name: string, program: string): CommandLine => ({
  name: `network: python3 ${name}`,
  argv: ["usr/bin/python3", "-I", "-c", program],
  timeout: 400,
});
const bash = (name: string, script: string): CommandLine => ({
  name: `network: ${name}`,
  argv: ["bin/bash", "-c", script],
  timeout: 400,
});

/** Until a name of a socket is there, or a port answers. */
const WAIT = `
there() { for n in $(seq 600); do [ -S "$1" ] && return; sleep 0.1; done; }
answers() { for n in $(seq 600); do (exec 3<>/dev/tcp/127.0.0.1/$1) 2>/dev/null && return; sleep 0.1; done; }
`;

export const NETWORK_COMMAND_LINES: readonly CommandLine[] = [
  python(
    "http.server and urllib",
    `import http.server, threading, urllib.request, json
class H(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        body = f"path {self.path} from {self.client_address[0]}\\n".encode()
        self.send_response(200); self.send_header("Content-Length", str(len(body))); self.end_headers(); self.wfile.write(body)
    def do_POST(self):
        data = self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201); self.end_headers(); self.wfile.write(json.dumps({"got": len(data), "sum": sum(data)}).encode())
    def log_message(self, *a): pass
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), H)
thread = threading.Thread(target=server.serve_forever); thread.start()
base = f"http://127.0.0.1:{server.server_port}"
for i in range(3): print(urllib.request.urlopen(f"{base}/{i}").read().decode(), end="")
answer = urllib.request.urlopen(base + "/p", data=bytes(range(256)) * 4000); print(answer.status, answer.read())
print(urllib.request.urlopen(f"http://localhost:{server.server_port}/name").read())
try: urllib.request.urlopen("http://127.0.0.1:9/")
except Exception as e: print(e)
server.shutdown(); thread.join(); print("done")`,
  ),
  python(
    "asyncio: TCP, Unix, UDP",
    `import asyncio, socket, os
async def echo(r, w):
    while data := await r.readline(): w.write(data.upper()); await w.drain()
    w.close()
async def client(port, n):
    r, w = await asyncio.open_connection("127.0.0.1", port); out = []
    for i in range(5): w.write(b"client %d line %d\\n" % (n, i)); out.append((await r.readline()).decode().strip())
    w.close(); await w.wait_closed(); return out
class P(asyncio.DatagramProtocol):
    def connection_made(self, t): self.t = t
    def datagram_received(self, d, a): self.t.sendto(b"echo " + d, a)
async def main():
    s = await asyncio.start_server(echo, "127.0.0.1", 0); port = s.sockets[0].getsockname()[1]
    for res in await asyncio.gather(*(client(port, i) for i in range(10))): print(res[0], res[-1])
    s.close(); await s.wait_closed()
    us = await asyncio.start_unix_server(echo, "./u.sock"); r, w = await asyncio.open_unix_connection("./u.sock")
    w.write(b"unix\\n"); print(await r.readline()); w.close(); us.close(); os.unlink("u.sock")
    loop = asyncio.get_running_loop(); t, p = await loop.create_datagram_endpoint(P, ("127.0.0.1", 0))
    c = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); c.setblocking(False)
    c.sendto(b"hi", t.get_extra_info("sockname")); print(await loop.sock_recv(c, 100)); t.close(); c.close()
    print((await loop.getaddrinfo("localhost", 80, family=socket.AF_INET, type=socket.SOCK_STREAM))[0][4])
asyncio.run(main())`,
  ),
  python(
    "options, ancillary data, errors",
    `import socket, os, struct, array, select, errno
a, b = socket.socketpair(); r, w = os.pipe()
socket.send_fds(a, [b"fd"], [w]); m, fds, fl, ad = socket.recv_fds(b, 10, 1); os.write(fds[0], b"through"); print(m, len(fds), os.read(r, 10))
print(struct.unpack("3i", a.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[0] == os.getpid())
b.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1); a.send(b"x"); m = b.recvmsg(10, 100); print(m[0], [(c[0] == socket.SOL_SOCKET, c[1], len(c[2])) for c in m[1]])
for fam, typ in ((socket.AF_INET, socket.SOCK_STREAM), (socket.AF_INET6, socket.SOCK_STREAM), (socket.AF_INET, socket.SOCK_DGRAM), (socket.AF_UNIX, socket.SOCK_SEQPACKET)):
    s = socket.socket(fam, typ); print(s.family.name, s.type.name, s.proto, s.getsockname())
    for level, names in ((socket.SOL_SOCKET, "SO_TYPE SO_REUSEADDR SO_KEEPALIVE SO_ERROR SO_ACCEPTCONN SO_RCVLOWAT SO_BROADCAST SO_OOBINLINE SO_DOMAIN SO_PROTOCOL SO_REUSEPORT SO_PRIORITY"), (socket.IPPROTO_TCP, "TCP_NODELAY TCP_KEEPIDLE TCP_KEEPINTVL TCP_KEEPCNT TCP_MAXSEG TCP_CORK TCP_QUICKACK"), (socket.IPPROTO_IP, "IP_TTL IP_TOS IP_MULTICAST_TTL IP_MULTICAST_LOOP"), (socket.IPPROTO_IPV6, "IPV6_UNICAST_HOPS IPV6_MULTICAST_HOPS")):
        for name in names.split():
            try: print(name, s.getsockopt(level, getattr(socket, name)), end=" ")
            except OSError as e: print(name, errno.errorcode[e.errno], end=" ")
    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 5)); print(struct.unpack("ii", s.getsockopt(socket.SOL_SOCKET, socket.SO_LINGER, 8)))
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 10000); print(s.getsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF))
def t(f, *a):
    try: print(f.__name__, f(*a))
    except OSError as e: print(f.__name__, type(e).__name__, errno.errorcode.get(e.errno))
s = socket.socket(); t(s.accept); t(s.getpeername); t(s.recv, 1); t(s.connect, ("127.0.0.1", 9)); t(s.bind, ("192.0.2.1", 0)); t(s.shutdown, 2); t(s.listen); t(s.connect, ("127.0.0.1", 9))
l = socket.create_server(("127.0.0.1", 0)); c = socket.create_connection(l.getsockname()); d, _ = l.accept()
c.send(b"!", socket.MSG_OOB); print(select.select([], [], [d], 5)[2] == [d], d.recv(1, socket.MSG_OOB)); c.sendall(b"0123456789")
print(d.recv(4, socket.MSG_PEEK), d.recv(10, socket.MSG_WAITALL)); d.settimeout(0.05); t(d.recv, 1)
c.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0)); c.close(); t(d.recv, 1); t(d.recv, 1)
u = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); t(u.sendto, b"x" * 65508, ("127.0.0.1", 9)); t(u.send, b"x"); print(socket.if_nameindex()[0], socket.if_nametoindex("lo"))`,
  ),
  {
    name: "network: perl IO::Socket, IO::Select and fork",
    argv: [
      "usr/bin/perl",
      "-MIO::Socket::INET",
      "-MIO::Socket::UNIX",
      "-MIO::Select",
      "-MSocket",
      "-e",
      `my $server = IO::Socket::INET->new(Listen => 5, LocalAddr => '127.0.0.1', Proto => 'tcp') or die;
my $port = $server->sockport;
for my $n (1 .. 3) { if (!fork) { my $c = IO::Socket::INET->new("127.0.0.1:$port") or die; print $c "client $n\\n"; print $c "x" x 100000, "\\n"; shutdown($c, 1); my $l = <$c>; exit($l =~ /^ok 100009/ ? $n : 99) } }
my $select = IO::Select->new($server); my (%got, $ended);
while ($ended < 3) { for my $s ($select->can_read) { if ($s == $server) { $select->add($server->accept) } else { if (sysread($s, my $buf, 65536)) { $got{$s} .= $buf } else { print $s 'ok ', length($got{$s}), "\\n"; $select->remove($s); close $s; $ended++ } } } }
my @codes; while (wait() > 0) { push @codes, $? >> 8 } print join(' ', sort @codes), ' ', join('|', sort map { /(client \\d)/ } values %got), "\\n";
socketpair(my $a, my $b, AF_UNIX, SOCK_STREAM, 0) or die; syswrite $a, "pair"; close $a; print <$b>, "\\n"; print inet_ntoa(scalar gethostbyname('localhost')), "\\n";`,
    ],
    timeout: 400,
  },
  bash(
    "openssl s_server and s_client",
    `${WAIT}
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -subj /CN=localhost -days 2 2>/dev/null
openssl s_server -accept 127.0.0.1:21021 -cert cert.pem -key key.pem -www -quiet & server=$!
answers 21021
printf 'GET / HTTP/1.0\\r\\n\\r\\n' | openssl s_client -connect 127.0.0.1:21021 -tls1_3 -ciphersuites TLS_CHACHA20_POLY1305_SHA256 -servername localhost -quiet 2>/dev/null | grep -aE '^HTTP|Protocol|Cipher  ' | sed 's/^ *//'
kill $server; wait $server 2>/dev/null; rm -f key.pem cert.pem`,
  ),
  bash(
    "socat: Unix, TCP, UDP",
    `${WAIT}
socat UNIX-LISTEN:./s.sock,fork EXEC:'tr a-z A-Z' & server=$!
there s.sock
for n in 1 2 3; do echo "hello $n" | socat -t 60 - UNIX-CONNECT:./s.sock; done
kill $server; wait $server 2>/dev/null; rm -f s.sock
socat -t 60 TCP4-LISTEN:21031,bind=127.0.0.1,reuseaddr SYSTEM:'read x; echo "got $x"' & server=$!
sleep 5; echo line | socat -t 60 - TCP4:127.0.0.1:21031; wait $server
seq 1 20000 | socat -t 60 -u - ABSTRACT-LISTEN:babelf-21032 & server=$!
sleep 5; socat -t 60 -u ABSTRACT-CONNECT:babelf-21032 - | cksum; wait $server`,
  ),
  bash(
    "redis-server and redis-cli",
    `${WAIT}
redis-server --port 0 --unixsocket ./r.sock --save '' --logfile r.log & server=$!
there r.sock; cli="redis-cli -s ./r.sock"
$cli set a 1; $cli incr a; $cli lpush l x y z; $cli lrange l 0 -1; $cli hset h f v; $cli hgetall h
printf 'PING\\nSET k "v v"\\nGET k\\nMULTI\\nINCR a\\nEXEC\\n' | $cli
$cli eval 'local t = {} for i = 1, 5 do t[i] = i * i end return t' 0
seq 1 200 | sed 's/.*/SET key& value&/' | $cli | sort | uniq -c
$cli dbsize; $cli shutdown nosave; wait $server; echo "exit $?"; rm -f r.log`,
  ),
  bash(
    "nginx and curl",
    `${WAIT}
mkdir -p www logs; seq 1 50000 > www/numbers; echo '<p>index</p>' > www/index.html
cat > nginx.conf <<END
pid $PWD/nginx.pid; error_log stderr error; worker_processes 2; daemon off; user root root;
events { worker_connections 64; }
http { access_log off; client_body_temp_path $PWD/t1; proxy_temp_path $PWD/t2; fastcgi_temp_path $PWD/t3; uwsgi_temp_path $PWD/t4; scgi_temp_path $PWD/t5;
  server { listen 127.0.0.1:21041; root $PWD/www; location /moved { return 302 /index.html; } location /p/ { proxy_pass http://unix:$PWD/n.sock:/; } }
  server { listen unix:$PWD/n.sock; location / { return 200 "behind \\$uri\\n"; } } }
END
/usr/sbin/nginx -p $PWD -c $PWD/nginx.conf 2>/dev/null & server=$!
answers 21041; url=http://127.0.0.1:21041
curl -s $url/; curl -s $url/numbers | cksum; curl -s -o /dev/null -w '%{http_code} %{size_download}\\n' $url/none
curl -s -L -w '%{num_redirects}\\n' $url/moved; curl -s $url/p/x; curl -s -r 0-9 $url/numbers | cksum
curl -s --unix-socket n.sock http://any/y; curl -s $url/[1-5] -o /dev/null -w '%{http_code} '; echo
kill -QUIT $server; wait $server; echo "exit $?"; rm -rf www logs nginx.conf nginx.pid t1 t2 t3 t4 t5 n.sock`,
  ),
  bash(
    "bash /dev/tcp, ip",
    `ip -o link show lo | grep -o 'mtu [0-9]*'; ip -o addr show lo | grep -oE 'inet6? [^ ]+'
(exec 3<>/dev/tcp/127.0.0.1/9) 2>/dev/null || echo refused`,
  ),
];
