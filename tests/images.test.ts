import { expect, test } from "@jest/globals";
import { newPodVolume } from "../kubelet-sim/runtime/pod-volume.js";
import { TestPods } from "./testkit/pods.js";

const volumeOf = (files: Record<string, string>) => {
  const volume = newPodVolume();
  volume.replace(new Map(Object.entries(files).map(([path, text]) => [path, Buffer.from(text)])));
  return volume;
};

test("agnhost netexec answers what networking tests ask", async () => {
  const pods = new TestPods();
  const image = "registry.k8s.io/e2e-test-images/agnhost:2.53";
  const { sandbox, container } = await pods.start({ image, args: ["netexec", "--http-port=8080"] });
  const { ip } = sandbox;
  const ask = async (path: string) => (await pods.sh(`wget -qO- 'http://${ip}:8080${path}'`)).stdout;
  expect(await ask("/hostname")).toBe("pod-0");
  expect(await ask("/echo?msg=hello")).toBe("hello");
  expect(await ask("/clientip")).toMatch(/^10\.244\.0\.\d+:\d+$/);
  expect(await ask("/shell?cmd=echo%20hi")).toBe('{"output":"hi\\n"}\n');
  expect(await ask(`/dial?host=${ip}&port=8081&protocol=udp&request=hostname&tries=2`)).toBe(
    '{"responses":["pod-0","pod-0"]}\n',
  );
  expect(await ask(`/dial?host=${ip}&port=9&protocol=http&request=hostname`)).toContain("errors");
  await ask("/exit?code=5");
  expect(await pods.until(container.exited)).toMatchObject({ exitCode: 5, reason: "Error" });
});

test("agnhost's other commands", async () => {
  const pods = new TestPods();
  const image = "registry.k8s.io/e2e-test-images/agnhost:2.53";
  const served = await pods.start({ image, args: ["serve-hostname"] });
  expect((await pods.sh(`wget -qO- ${served.sandbox.ip}:9376`)).stdout).toBe("pod-0");
  const refused = await pods.start({ image, args: ["connect", `${served.sandbox.ip}:1`, "--timeout=1s"] });
  await pods.until(refused.container.exited);
  expect((await pods.output(refused.container)).stderr).toBe("REFUSED\n");
  const paused = await pods.start({ image });
  await pods.until(paused.container.stop(30_000));
  expect(await paused.container.exited).toMatchObject({ exitCode: 0 });
});

test("http-echo, whoami and hello-app say who they are", async () => {
  const pods = new TestPods();
  const echo = await pods.start({ image: "hashicorp/http-echo", args: ["-text=hi there", "-listen=:8080"] });
  expect((await pods.sh(`wget -qO- ${echo.sandbox.ip}:8080/any`)).stdout).toBe("hi there\n");
  const whoami = await pods.start({
    image: "traefik/whoami:v1.10",
    env: [{ name: "WHOAMI_NAME", value: "me" }],
  });
  expect((await pods.sh(`wget -qO- ${whoami.sandbox.ip}/path`)).stdout).toMatch(
    /^Name: me\nHostname: pod-2\nIP: 127\.0\.0\.1\nIP: ::1\nIP: 10\.244\.0\.4\nRemoteAddr: 10\.244\.0\.5:\d+\nGET \/path HTTP\/1\.1\nHost: 10\.244\.0\.4\n/,
  );
  const hello = await pods.start({ image: "gcr.io/google-samples/hello-app:2.0" });
  expect((await pods.sh(`wget -qO- ${hello.sandbox.ip}:8080`)).stdout).toContain("Version: 2.0.0\n");
});

test("nginx obeys a configuration from a ConfigMap", async () => {
  const pods = new TestPods();
  const backend = await pods.start({ image: "hashicorp/http-echo", args: ["-text=from backend"] });
  const conf = `server {
    listen 8080;
    location / { return 200 "hello from $hostname\\n"; default_type text/plain; add_header X-Pod $hostname; }
    location /api/ { proxy_pass http://${backend.sandbox.ip}:5678/; }
    location = /health { access_log off; return 204; }
    location /files { alias /data; }
    location ~ \\.php$ { return 403; }
  }`;
  const { sandbox } = await pods.start({
    image: "nginx:1.25",
    mounts: [
      { path: "/etc/nginx/conf.d", volume: volumeOf({ "default.conf": conf }), readOnly: true },
      { path: "/data", volume: volumeOf({ "a.txt": "file a" }), readOnly: true },
    ],
  });
  const curl = async (path: string) =>
    (await pods.sh(`curl -si http://${sandbox.ip}:8080${path}`, { image: "nicolaka/netshoot" })).stdout;
  expect(await curl("/")).toMatch(
    /^HTTP\/1\.1 200 OK\n?\r?\n?Server: nginx\/1\.25\.5[\s\S]*X-Pod: pod-1[\s\S]*hello from pod-1\n$/,
  );
  expect(await curl("/api/x")).toContain("from backend\n");
  expect(await curl("/health")).toMatch(/^HTTP\/1\.1 204 /);
  expect(await curl("/files/a.txt")).toMatch(/Content-Type: text\/plain[\s\S]*file a$/);
  expect(await curl("/x.php")).toMatch(/^HTTP\/1\.1 403 /);
});

test("nginx with a broken configuration says where and exits", async () => {
  const pods = new TestPods();
  const volume = volumeOf({ "default.conf": "server {\n  listen 80\n}\n" });
  const { container } = await pods.start({
    image: "nginx",
    mounts: [{ path: "/etc/nginx/conf.d", volume, readOnly: true }],
  });
  expect(await pods.until(container.exited)).toMatchObject({ exitCode: 1 });
  expect((await pods.output(container)).stderr).toContain(
    'nginx: [emerg] unexpected "}" in /etc/nginx/conf.d/default.conf:3\n',
  );
});

test("nginx finishes the request under way before it ends", async () => {
  const pods = new TestPods();
  const slow = await pods.start({ command: ["sh", "-c", "sleep 2 | nc -l -p 80; sleep 100"] });
  const conf = `server { listen 80; location / { proxy_pass http://${slow.sandbox.ip}; } }`;
  const { sandbox, container } = await pods.start({
    image: "nginx",
    mounts: [{ path: "/etc/nginx/conf.d", volume: volumeOf({ "default.conf": conf }), readOnly: true }],
  });
  const client = await pods.start({ command: ["wget", "-qO-", `http://${sandbox.ip}/`] });
  await pods.scheduler.run(200);
  const stoppedAtMs = pods.clock.nowMs();
  await pods.until(container.stop(30_000));
  expect(pods.clock.nowMs() - stoppedAtMs).toBeGreaterThan(1000);
  await pods.until(client.container.exited);
  expect((await pods.output(client.container)).stderr).toBe(
    "wget: server returned error: HTTP/1.1 502 Bad Gateway\n",
  );
});

test("httpd and the echo server answer; curl's image takes a URL as its arguments", async () => {
  const pods = new TestPods();
  const httpd = await pods.start({ image: "httpd:2.4" });
  const curl = await pods.start({
    image: "curlimages/curl:8.14.1",
    args: ["-s", `http://${httpd.sandbox.ip}`],
  });
  expect(await pods.until(curl.container.exited)).toMatchObject({ exitCode: 0 });
  expect((await pods.output(curl.container)).stdout).toBe("<html><body><h1>It works!</h1></body></html>\n");
  expect((await pods.output(httpd.container)).stdout).toMatch(/"GET \/ HTTP\/1\.1" 200 45\n$/);
  const echo = await pods.start({ image: "kicbase/echo-server:1.0" });
  const posted = await pods.sh(`wget -qO- --post-data=abc ${echo.sandbox.ip}:8080/x`);
  expect(posted.stdout).toMatch(/^Request served by pod-2\n\nHTTP\/1\.1 POST \/x\n\nHost: [\s\S]*\nabc$/);
});

test("redis keeps what redis-cli of another pod sets, until it is gone", async () => {
  const pods = new TestPods();
  const server = await pods.start({ image: "redis:7" });
  const cli = async (...args: string[]) => {
    const { container } = await pods.start({
      image: "redis:7",
      args: ["redis-cli", "-h", server.sandbox.ip, ...args],
    });
    const { exitCode } = await pods.until(container.exited);
    const { stdout, stderr } = await pods.output(container);
    return `${exitCode} ${stdout}${stderr}`.trimEnd();
  };
  expect(await cli("set", "name", "kubesim", "ex", "10")).toBe("0 OK");
  expect(await cli("get", "name")).toBe("0 kubesim");
  expect(await cli("incr", "name")).toBe("0 ERR value is not an integer or out of range");
  expect(await cli("rpush", "list", "a", "b")).toBe("0 2");
  expect(await cli("lrange", "list", "0", "-1")).toBe("0 a\nb");
  await pods.scheduler.run(11_000);
  expect(await cli("get", "name")).toBe("0");
  await pods.until(server.container.stop(30_000));
  expect(await cli("ping")).toBe(
    `1 Could not connect to Redis at ${server.sandbox.ip}:6379: Connection refused`,
  );
});

test("nginx spreads over an upstream, and passes over a member that is gone", async () => {
  const pods = new TestPods();
  const echo = async (text: string) =>
    (await pods.start({ image: "hashicorp/http-echo", args: [`-text=${text}`, "-listen=:80"] })).sandbox;
  const [one, two] = [await echo("one"), await echo("two")];
  const conf = `upstream backend { server ${one.ip}:80; server ${two.ip}; }
  server { listen 80; location / { proxy_pass http://backend; } }`;
  const { sandbox } = await pods.start({
    image: "nginx",
    mounts: [{ path: "/etc/nginx/conf.d", volume: volumeOf({ "default.conf": conf }), readOnly: true }],
  });
  const three = `for i in 1 2 3; do wget -qO- ${sandbox.ip}; done`;
  expect((await pods.sh(three)).stdout).toBe("one\ntwo\none\n");
  await one.remove();
  expect((await pods.sh(three)).stdout).toBe("two\ntwo\ntwo\n");
});

test("a second server on one port of a pod says that the address is in use", async () => {
  const pods = new TestPods();
  const { container } = await pods.start({ image: "nginx" });
  const second = await pods.exec(container, ["nginx", "-g", "daemon off;"]);
  expect(second.exitCode).toBe(1);
  expect(second.stderr).toContain(
    "nginx: [emerg] bind() to 0.0.0.0:80 failed (98: Address already in use)\n",
  );
  const daemon = await pods.start({ image: "nginx", command: ["nginx"] });
  expect(await pods.until(daemon.container.exited)).toMatchObject({ exitCode: 0 });
});

test("python serves a directory, as examples of Services ask it to", async () => {
  const pods = new TestPods();
  const { sandbox } = await pods.start({
    image: "python:3",
    command: ["python", "-m", "http.server", "443"],
  });
  const { stdout } = await pods.sh(
    `wget -qO- http://${sandbox.ip}:443/etc/; wget -qO- http://${sandbox.ip}:443/etc/hostname`,
  );
  expect(stdout).toContain('<li><a href="hostname">hostname</a></li>');
  expect(stdout).toMatch(/\npod-0\n$/);
});
