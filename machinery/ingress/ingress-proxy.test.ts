import { expect, test } from "@jest/globals";
import { SimulationScheduler } from "../../simulation/scheduler.js";
import { VirtualClock } from "../../simulation/virtual-clock.js";
import { type Http1Handler, Http1Server } from "../network/http1-server.js";
import type { HostNetwork } from "../network/host-network.js";
import { connectionPair } from "../network/memory-pipe.js";
import { type Connection, ConnectionError } from "../network/network.js";
import { VirtualNetwork } from "../network/virtual-network.js";
import { seededRng } from "../runtime/seeded-rng.js";
import { Settings, toPolicy } from "./annotations.js";
import type { Exchange } from "./exchange.js";
import { Forwarder } from "./forward.js";
import { IngressProxy } from "./ingress-proxy.js";
import type { Route, VirtualHost } from "./route.js";
import { Router } from "./router.js";
import type { Upstream } from "./service-upstreams.js";

const PROXY = "10.244.0.2";
const CLIENT = "10.244.0.3";
const HTTP = 80;

/** An Ingress proxy, a client and backends on one network, on a clock that moves only when all is quiet. */
class World {
  readonly clock = new VirtualClock();
  readonly scheduler = new SimulationScheduler(this.clock);
  readonly router = new Router();
  readonly served: Exchange[] = [];
  readonly upstreams = new Map<string, Upstream>();
  readonly forwarder: Forwarder;
  readonly proxy: IngressProxy;
  readonly client: HostNetwork;
  readonly #network: VirtualNetwork;
  #nextIp = 10;

  constructor() {
    const rng = seededRng("ingress");
    const network: VirtualNetwork = new VirtualNetwork({
      clock: this.clock,
      rng,
      uplink: {
        dial: async (from, to) => {
          const [near, far] = connectionPair({
            clock: this.clock,
            near: { local: from, remote: to },
            far: { local: to, remote: from },
          });
          const outcome = network.acceptConnection(from, to, () => far);
          if (outcome !== "open") throw new ConnectionError(outcome);
          return near;
        },
        sendDatagram: () => {},
      },
    });
    this.#network = network;
    this.client = network.addHost(CLIENT);
    const own = network.addHost(PROXY);
    this.forwarder = new Forwarder({
      network: own,
      clock: this.clock,
      rng,
      upstreams: { upstream: ({ name }) => this.upstreams.get(name) ?? { name, endpoints: [] } },
      lookup: () => Promise.reject(new ConnectionError("unreachable")),
      secure: (connection) => Promise.resolve(connection),
    });
    this.proxy = new IngressProxy({
      router: this.router,
      forwarder: this.forwarder,
      clock: this.clock,
      rng,
      defaultRoute: () => undefined,
      onServed: (exchange) => this.served.push(exchange),
    });
    const serve = this.proxy.listener("http", HTTP);
    own.listen(HTTP, (connection) => void serve(connection));
  }

  /** A Service with one endpoint for each of `listeners`; a handler answers HTTP, undefined refuses. */
  service(
    name: string,
    ...listeners: (Http1Handler | ((connection: Connection) => void) | undefined)[]
  ): void {
    const endpoints = listeners.map((listener) => {
      const ip = `10.244.1.${this.#nextIp++}`;
      const host = this.#network.addHost(ip);
      if (listener) host.listen(8080, (connection) => void listener(connection as never));
      return { host: ip, port: 8080, name: `${ip}:8080` };
    });
    this.upstreams.set(name, { name: `default-${name}-80`, endpoints });
  }

  http(name: string, ...handlers: Http1Handler[]): void {
    this.service(
      name,
      ...handlers.map((handler) => {
        const server = new Http1Server(handler, { largestBodyBytes: Infinity });
        return (connection: Connection) => void server.serve(connection);
      }),
    );
  }

  host(host: string, annotations: Record<string, string> = {}, more: Partial<VirtualHost> = {}): void {
    const prefixed = Object.entries(annotations).map(([key, value]) => [
      `nginx.ingress.kubernetes.io/${key}`,
      value,
    ]);
    const route: Route = {
      match: { path: { type: "Prefix", value: "/" } },
      owner: "default/web",
      targets: [{ target: { namespace: "default", name: "web", port: 80 }, weight: 1 }],
      policy: toPolicy(new Settings(Object.fromEntries(prefixed) as Record<string, string>)),
    };
    this.router.set({ host, routes: [route], ...more });
  }

  connect(): Promise<Connection> {
    return this.settle(this.client.connect({ ip: PROXY, port: HTTP }));
  }

  settle<T>(promise: Promise<T>): Promise<T> {
    return this.scheduler.settle(promise);
  }

  /** Sends raw text on a new connection and reads all that comes until it ends. */
  async exchange(raw: string): Promise<string> {
    const connection = await this.connect();
    await this.settle(connection.write(Buffer.from(raw, "latin1")));
    return this.settle(readAll(connection));
  }

  get(path: string, headers = ""): Promise<string> {
    return this.exchange(`GET ${path} HTTP/1.1\r\nHost: web.example\r\nConnection: close\r\n${headers}\r\n`);
  }
}

async function readAll(connection: Connection): Promise<string> {
  let text = "";
  try {
    for (let bytes = await connection.read(); bytes; bytes = await connection.read())
      text += Buffer.from(bytes).toString("latin1");
  } catch (err) {
    if (!(err instanceof ConnectionError)) throw err;
    text += `<${err.reason}>`;
  }
  return text;
}

const answering =
  (text: string): Http1Handler =>
  () => ({ status: 200, headers: { "content-type": "text/plain" }, body: Buffer.from(text) });

const statusOf = (answer: string): string => answer.split("\r\n", 1)[0] ?? "";
const bodyOf = (answer: string): string => answer.slice(answer.indexOf("\r\n\r\n") + 4);

test("requests take turns among the endpoints, and connections are kept on both sides", async () => {
  const world = new World();
  const seen = new Set<number>();
  const named =
    (name: string): Http1Handler =>
    (request) => {
      seen.add(request.connection.remote.port);
      return answering(name)(request);
    };
  world.http("web", named("one"), named("two"));
  world.host("web.example");
  const connection = await world.connect();
  const texts: string[] = [];
  for (let i = 0; i < 6; i++) {
    await world.settle(connection.write(Buffer.from("GET / HTTP/1.1\r\nHost: web.example\r\n\r\n")));
    texts.push(bodyOf(Buffer.from((await world.settle(connection.read())) ?? []).toString()));
  }
  expect(texts.slice(0, 2).sort()).toEqual(["one", "two"]);
  expect(texts.slice(2)).toEqual([...texts.slice(0, 2), ...texts.slice(0, 2)]);
  expect(seen.size).toBe(2);
  expect(world.forwarder.pool.idleCount).toBe(2);
  expect(world.served[0]?.log).toMatchObject({ status: 200, sentBytes: 3, upstreamName: "default-web-80" });
});

test("a backend learns who asked, and a client cannot pretend to be another", async () => {
  const world = new World();
  let headers: Readonly<Record<string, string>> = {};
  let raw = "";
  world.http("web", (request) => {
    headers = request.headers;
    raw = request.rawHeaders.map(([name]) => name).join(" ");
    return answering("ok")(request);
  });
  world.host("web.example");
  await world.get(
    "/x?y=1",
    "X-Forwarded-For: 1.2.3.4\r\nX-Real-IP: 1.2.3.4\r\nProxy: evil\r\nX-CuStOm: 1\r\nKeep-Alive: 5\r\nX-Request-ID: abc\r\n",
  );
  expect(headers).toMatchObject({
    host: "web.example",
    "x-forwarded-for": CLIENT,
    "x-original-forwarded-for": "1.2.3.4",
    "x-real-ip": CLIENT,
    "x-forwarded-host": "web.example",
    "x-forwarded-port": "80",
    "x-forwarded-proto": "http",
    "x-forwarded-scheme": "http",
    "x-scheme": "http",
    "x-request-id": "abc",
  });
  expect(headers["proxy"]).toBeUndefined();
  expect(headers["connection"]).toBeUndefined();
  expect(headers["keep-alive"]).toBeUndefined();
  expect(raw).toContain("X-CuStOm");
});

test("what a backend sets goes to the client as it is: each cookie, the spelling, the reason; not its Server", async () => {
  const world = new World();
  world.service("web", (connection: Connection) => {
    void connection.write(
      Buffer.from(
        "HTTP/1.1 299 Fine\r\nServer: secret\r\nset-COOKIE: a=1\r\nSet-Cookie: b=2\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi",
      ),
    );
  });
  world.host("web.example");
  const answer = await world.get("/");
  expect(statusOf(answer)).toBe("HTTP/1.1 299 Fine");
  expect(answer).toContain("set-COOKIE: a=1\r\nSet-Cookie: b=2\r\n");
  expect(answer).not.toContain("secret");
  expect(bodyOf(answer)).toBe("hi");
});

test("nobody there: 404 for an unknown host, 503 for a Service without endpoints, 502 when all refuse", async () => {
  const world = new World();
  world.host("web.example");
  expect(statusOf(await world.exchange("GET / HTTP/1.1\r\nHost: other\r\nConnection: close\r\n\r\n"))).toBe(
    "HTTP/1.1 404 Not Found",
  );
  const none = await world.get("/");
  expect(statusOf(none)).toBe("HTTP/1.1 503 Service Temporarily Unavailable");
  expect(bodyOf(none)).toBe(
    "<html>\r\n<head><title>503 Service Temporarily Unavailable</title></head>\r\n<body>\r\n<center><h1>503 Service Temporarily Unavailable</h1></center>\r\n<hr><center>nginx</center>\r\n</body>\r\n</html>\r\n",
  );
  world.service("web", undefined, undefined);
  expect(statusOf(await world.get("/"))).toBe("HTTP/1.1 502 Bad Gateway");
  expect(world.served.at(-1)?.log.attempts.map(({ status }) => status)).toEqual([502, 502]);
});

test("an endpoint that refuses is passed over; a POST too, because nothing was sent yet", async () => {
  const world = new World();
  const good = new Http1Server(async (request) => {
    let size = 0;
    for await (const chunk of request.body ?? []) size += chunk.length;
    return answering(`${request.method} ${size}`)(request);
  });
  world.service("web", undefined, undefined, (connection: Connection) => void good.serve(connection));
  world.host("web.example");
  for (let i = 0; i < 3; i++) expect(bodyOf(await world.get("/"))).toBe("GET 0");
  const post = await world.exchange(
    "POST / HTTP/1.1\r\nHost: web.example\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello",
  );
  expect(bodyOf(post)).toBe("POST 5");
});

test("a backend that resets: GET goes to the next, POST is a 502 and is never sent twice", async () => {
  const world = new World();
  let posts = 0;
  const resetting = async (connection: Connection): Promise<void> => {
    const bytes = await connection.read();
    if (
      Buffer.from(bytes ?? [])
        .toString()
        .startsWith("POST")
    )
      posts += 1;
    connection.reset();
  };
  const start = (connection: Connection): void => void resetting(connection);
  world.service("web", start, start);
  world.host("web.example");
  expect(statusOf(await world.get("/"))).toBe("HTTP/1.1 502 Bad Gateway");
  expect(world.served.at(-1)?.log.attempts).toHaveLength(2);
  const post = await world.exchange(
    "POST / HTTP/1.1\r\nHost: web.example\r\nConnection: close\r\nContent-Length: 0\r\n\r\n",
  );
  expect(statusOf(post)).toBe("HTTP/1.1 502 Bad Gateway");
  expect(posts).toBe(1);
});

test("a backend that hangs is a 504 after proxy-read-timeout", async () => {
  const world = new World();
  world.service("web", () => {});
  world.host("web.example", { "proxy-read-timeout": "7" });
  const startedAtMs = world.clock.nowMs();
  expect(statusOf(await world.get("/"))).toBe("HTTP/1.1 504 Gateway Time-out");
  expect(world.clock.nowMs() - startedAtMs).toBe(7000);
});

test("a backend that answers byte by byte, slowly, is waited for as long as something comes", async () => {
  const world = new World();
  const dripping = async (connection: Connection): Promise<void> => {
    await connection.read();
    for (const byte of Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n"))
      await connection.write(Uint8Array.of(byte));
    for (const byte of Buffer.from("0123456789")) {
      await world.clock.sleep(4000);
      await connection.write(Uint8Array.of(byte));
    }
  };
  world.service("web", (connection: Connection) => void dripping(connection));
  world.host("web.example", { "proxy-read-timeout": "5" });
  const answer = await world.get("/");
  expect(bodyOf(answer)).toBe("0123456789");
  expect(world.clock.nowMs()).toBeGreaterThanOrEqual(40_000);
});

test("a backend that stops in the middle of a body breaks the client's answer off too", async () => {
  const world = new World();
  world.service("web", (connection: Connection) => {
    void connection.write(Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n01234"));
  });
  world.host("web.example", { "proxy-read-timeout": "5" });
  const answer = await world.get("/");
  expect(answer.endsWith("01234<reset>")).toBe(true);
});

test("a kept connection that the backend closes meanwhile is not used again", async () => {
  const world = new World();
  let connections = 0;
  const once = async (connection: Connection): Promise<void> => {
    connections += 1;
    await connection.read();
    await connection.write(Buffer.from("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    connection.end();
  };
  world.service("web", (connection: Connection) => void once(connection));
  world.host("web.example");
  for (let i = 0; i < 3; i++) expect(bodyOf(await world.get("/"))).toBe("ok");
  expect(connections).toBe(3);
  expect(world.served.every(({ log }) => log.attempts.length === 1)).toBe(true);
});

test("large bodies stream both ways with back-pressure and arrive whole", async () => {
  const world = new World();
  const size = 3 * 1024 * 1024;
  world.http("web", async (request) => {
    let total = 0;
    for await (const chunk of request.body ?? []) total += chunk.length;
    return {
      status: 200,
      headers: { "x-received": String(total) },
      body: (async function* () {
        for (let sent = 0; sent < size; sent += 65_536) yield new Uint8Array(65_536).fill(120);
      })(),
    };
  });
  world.host("web.example", { "proxy-body-size": "8m" });
  const connection = await world.connect();
  const answer = await world.settle(
    (async () => {
      await connection.write(
        Buffer.from(
          `POST / HTTP/1.1\r\nHost: web.example\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n`,
        ),
      );
      for (let sent = 0; sent < size; sent += 65_536) await connection.write(new Uint8Array(65_536));
      return readAll(connection);
    })(),
  );
  expect(answer).toContain(`X-Received: ${size}`);
  expect(world.served[0]?.log.sentBytes).toBe(size);
});

test("a body over proxy-body-size is refused before the backend hears of it; Expect waits for the backend's turn", async () => {
  const world = new World();
  let asked = 0;
  world.http("web", async (request) => {
    asked += 1;
    for await (const _ of request.body ?? []) asked += 0;
    return answering("ok")(request);
  });
  world.host("web.example", { "proxy-body-size": "1k" });
  const big = await world.exchange(
    "POST / HTTP/1.1\r\nHost: web.example\r\nContent-Length: 1025\r\nExpect: 100-continue\r\n\r\n",
  );
  expect(statusOf(big)).toBe("HTTP/1.1 413 Request Entity Too Large");
  expect(asked).toBe(0);
  const connection = await world.connect();
  await world.settle(
    connection.write(
      Buffer.from(
        "POST / HTTP/1.1\r\nHost: web.example\r\nConnection: close\r\nContent-Length: 2\r\nExpect: 100-continue\r\n\r\n",
      ),
    ),
  );
  expect(Buffer.from((await world.settle(connection.read())) ?? []).toString()).toBe(
    "HTTP/1.1 100 Continue\r\n\r\n",
  );
  await world.settle(connection.write(Buffer.from("hi")));
  expect(bodyOf(await world.settle(readAll(connection)))).toBe("ok");
});

test("an upgrade becomes a tunnel that ends when it is silent for the read timeout", async () => {
  const world = new World();
  const echoing = async (connection: Connection): Promise<void> => {
    const head = Buffer.from((await connection.read()) ?? []).toString();
    expect(head).toContain("Upgrade: websocket\r\nConnection: upgrade\r\n");
    await connection.write(
      Buffer.from(
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n",
      ),
    );
    for (let bytes = await connection.read(); bytes; bytes = await connection.read())
      await connection.write(bytes);
  };
  world.service("web", (connection: Connection) => void echoing(connection).catch(() => {}));
  world.host("web.example");
  const connection = await world.connect();
  await world.settle(
    connection.write(
      Buffer.from(
        "GET /ws HTTP/1.1\r\nHost: web.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
      ),
    ),
  );
  const head = Buffer.from((await world.settle(connection.read())) ?? []).toString();
  expect(statusOf(head)).toBe("HTTP/1.1 101 Switching Protocols");
  expect(head).toContain("Sec-WebSocket-Accept: x");
  await world.settle(connection.write(Buffer.from("ping")));
  expect(Buffer.from((await world.settle(connection.read())) ?? []).toString()).toBe("ping");
  const before = world.clock.nowMs();
  expect(await world.settle(readAll(connection))).toBe("<reset>");
  expect(world.clock.nowMs() - before).toBeGreaterThanOrEqual(59_000);
});

test("a client that connects and never asks is sent away; one that leaves takes its request along", async () => {
  const world = new World();
  let gone = false;
  world.service("web", (connection: Connection) => {
    void connection.closed.then(() => (gone = true));
    void connection.read();
  });
  world.host("web.example");
  const silent = await world.connect();
  expect(await world.settle(readAll(silent))).toBe("");
  expect(world.clock.nowMs()).toBeGreaterThan(75_000);
  const leaving = await world.connect();
  await world.settle(leaving.write(Buffer.from("GET / HTTP/1.1\r\nHost: web.example\r\n\r\n")));
  await world.scheduler.run(10);
  leaving.reset();
  await world.scheduler.run(10);
  expect(gone).toBe(true);
});

test("a client that never reads is given up, and does not fill the memory", async () => {
  const world = new World();
  let produced = 0;
  world.http("web", () => ({
    status: 200,
    headers: {},
    body: (async function* () {
      for (; produced < 100 * 1024 * 1024; produced += 65_536) yield new Uint8Array(65_536);
    })(),
  }));
  world.host("web.example");
  const connection = await world.connect();
  await world.settle(connection.write(Buffer.from("GET / HTTP/1.1\r\nHost: web.example\r\n\r\n")));
  await world.scheduler.run(120_000);
  expect(produced).toBeLessThan(2 * 1024 * 1024);
  expect(world.proxy.connectionCount).toBe(0);
});

test("HEAD, HTTP/1.0 and broken requests are answered as HTTP asks", async () => {
  const world = new World();
  world.http("web", answering("hello"));
  world.host("web.example");
  const head = await world.exchange("HEAD / HTTP/1.1\r\nHost: web.example\r\nConnection: close\r\n\r\n");
  expect(head).toContain("Content-Length: 5");
  expect(bodyOf(head)).toBe("");
  const old = await world.exchange("GET / HTTP/1.0\r\nHost: web.example\r\n\r\n");
  expect(bodyOf(old)).toBe("hello");
  for (const broken of [
    "GET / HTTP/1.1\r\n\r\n",
    "GET /%zz HTTP/1.1\r\nHost: web.example\r\n\r\n",
    "GET /../x HTTP/1.1\r\nHost: web.example\r\n\r\n",
    "POST / HTTP/1.1\r\nHost: web.example\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
    "GET / HTTP/1.1\r\nHost: a b\r\n\r\n",
  ])
    expect(statusOf(await world.exchange(broken))).toBe("HTTP/1.1 400 Bad Request");
});

test("plain HTTP to a host with TLS is sent to HTTPS, unless ssl-redirect is false", async () => {
  const world = new World();
  world.http("web", answering("ok"));
  world.host("web.example", {}, { tls: {} });
  const answer = await world.exchange(
    "GET /a?b HTTP/1.1\r\nHost: web.example:30081\r\nConnection: close\r\n\r\n",
  );
  expect(statusOf(answer)).toBe("HTTP/1.1 308 Permanent Redirect");
  expect(answer).toContain("Location: https://web.example/a?b\r\n");
  world.host("web.example", { "ssl-redirect": "false" }, { tls: {} });
  expect(bodyOf(await world.get("/"))).toBe("ok");
  world.host("web.example", { "force-ssl-redirect": "true" });
  expect(statusOf(await world.get("/"))).toBe("HTTP/1.1 308 Permanent Redirect");
});

test("affinity keeps a client with its endpoint by a cookie, and finds another when it is gone", async () => {
  const world = new World();
  world.http("web", answering("a"), answering("b"), answering("c"));
  world.host("web.example", {
    affinity: "cookie",
    "session-cookie-name": "stick",
    "session-cookie-max-age": "60",
  });
  const first = await world.get("/");
  const cookie = /Set-Cookie: (stick=[^;]+); Max-Age=60; Path=\/; HttpOnly/.exec(first)?.[1] ?? "";
  expect(cookie).not.toBe("");
  for (let i = 0; i < 5; i++) {
    const again = await world.get("/", `Cookie: other=1; ${cookie}\r\n`);
    expect(bodyOf(again)).toBe(bodyOf(first));
    expect(again).not.toContain("Set-Cookie");
  }
  const upstream = world.upstreams.get("web");
  const left =
    upstream?.endpoints.filter(({ name }) => name !== world.served[0]?.log.attempts[0]?.address) ?? [];
  world.upstreams.set("web", { name: upstream?.name ?? "", endpoints: left });
  expect(bodyOf(await world.get("/", `Cookie: ${cookie}\r\n`))).not.toBe(bodyOf(first));
});

test("annotations refuse by source, redirect, and rewrite", async () => {
  const world = new World();
  world.http("web", (request) => answering(request.path)(request));
  world.host("web.example", { "whitelist-source-range": "192.168.0.0/16" });
  expect(statusOf(await world.get("/"))).toBe("HTTP/1.1 403 Forbidden");
  world.host("web.example", { "denylist-source-range": "192.168.0.0/16", "app-root": "/app" });
  expect(await world.get("/")).toContain("Location: http://web.example/app\r\n");
  world.host("web.example", { "permanent-redirect": "https://elsewhere.example/" });
  expect(statusOf(await world.get("/"))).toBe("HTTP/1.1 301 Moved Permanently");
  const route = { ...(world.router.virtualHost("web.example")?.routes[0] as Route) };
  route.match = { path: { type: "Regex", value: "/api(/|$)(.*)" } };
  route.policy = toPolicy(new Settings({ "nginx.ingress.kubernetes.io/rewrite-target": "/$2" }));
  world.router.set({ host: "web.example", routes: [route] });
  expect(bodyOf(await world.get("/api/users?x=1"))).toBe("/users?x=1");
  expect(bodyOf(await world.get("/api"))).toBe("/");
});

test("a client that is done and leaves does not take along the connection that another uses now", async () => {
  const world = new World();
  let connections = 0;
  const server = new Http1Server(async ({ path }) => {
    if (path === "/slow") await world.clock.sleep(1000);
    const body = Buffer.from(path);
    return path === "/long"
      ? {
          status: 200,
          headers: {},
          body: (async function* () {
            yield body;
            yield body;
          })(),
        }
      : { status: 200, headers: {}, body };
  });
  world.service("web", (connection: Connection) => {
    connections += 1;
    void server.serve(connection);
  });
  world.host("web.example");
  for (const path of ["/short", "/long"]) {
    const first = await world.connect();
    await world.settle(
      first.write(Buffer.from(`GET ${path} HTTP/1.1\r\nHost: web.example\r\nConnection: close\r\n\r\n`)),
    );
    await world.scheduler.run(10);
    const second = await world.connect();
    await world.settle(
      second.write(Buffer.from("GET /slow HTTP/1.1\r\nHost: web.example\r\nConnection: close\r\n\r\n")),
    );
    await world.scheduler.run(10);
    first.reset();
    expect(bodyOf(await world.settle(readAll(second)))).toBe("/slow");
  }
  for (let i = 0; i < 3; i++) expect(bodyOf(await world.get("/x"))).toBe("/x");
  expect(connections).toBe(1);
  expect(world.served.every(({ log }) => log.attempts.length === 1)).toBe(true);
});

test("a tunnel stays open while one side speaks, however long the other is silent", async () => {
  const world = new World();
  const speaking = async (connection: Connection): Promise<void> => {
    await connection.read();
    await connection.write(
      Buffer.from("HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n"),
    );
    for (let i = 0; i < 10; i++) {
      await world.clock.sleep(40_000);
      await connection.write(Buffer.from(String(i)));
    }
    connection.end();
  };
  world.service("web", (connection: Connection) => void speaking(connection));
  world.host("web.example");
  const connection = await world.connect();
  await world.settle(
    connection.write(
      Buffer.from("GET / HTTP/1.1\r\nHost: web.example\r\nConnection: Upgrade\r\nUpgrade: x\r\n\r\n"),
    ),
  );
  expect(bodyOf(await world.settle(readAll(connection)))).toBe("0123456789");
  connection.end();
  await world.scheduler.run(10);
  expect(world.proxy.connectionCount).toBe(0);
});
