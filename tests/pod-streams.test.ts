import { beforeEach, expect, test } from "@jest/globals";
import { admissionPlugins } from "../apiserver/admission/plugins.js";
import { allResources } from "../apiserver/registry/resources.js";
import {
  type HttpHandler,
  type HttpRequest,
  type MessageStream,
  type Transport,
  TransportError,
  UpgradeRefused,
} from "../machinery/api/http.js";
import { directTransport } from "../machinery/client/direct-transport.js";
import { ApiClient } from "./conformance/api-client.js";
import { inProcessApi } from "./testkit/in-process-api.js";

const POD = "/api/v1/namespaces/default/pods/web";
const text = (message: Uint8Array | undefined): string => Buffer.from(message ?? []).toString();

/** A kubelet that notes what it is asked and answers as told. */
class FakeKubelet implements HttpHandler {
  readonly asked: string[] = [];
  answer = { status: 200, body: "line 1\nline 2\n" };
  /** What an upgraded session does. */
  session: (stream: MessageStream) => Promise<void> = async (stream) => stream.close();
  refuse = false;
  reachable = true;

  request(request: HttpRequest) {
    this.#note(request);
    return Promise.resolve({
      status: this.answer.status,
      headers: { "content-type": "text/plain" },
      body: Buffer.from(this.answer.body),
    });
  }

  async upgrade(
    request: HttpRequest,
    upgrade: { protocols: readonly string[]; accept(p: string): MessageStream },
  ) {
    this.#note(request);
    if (this.refuse) return { status: 400, headers: {}, body: Buffer.from("container not running") };
    await this.session(upgrade.accept(upgrade.protocols[0] ?? ""));
    return undefined;
  }

  #note({ method, path }: HttpRequest): void {
    this.asked.push(`${method} ${path}`);
  }
}

const refused = () =>
  Promise.reject(new TransportError("dial tcp 172.18.0.3:10250: connect: connection refused"));
const unreachable: Transport = { request: refused, upgrade: refused };

let kubelet: FakeKubelet;
let api: ApiClient;
beforeEach(async () => {
  kubelet = new FakeKubelet();
  const server = await inProcessApi(allResources(), {
    admission: admissionPlugins,
    kubelets: { to: () => (kubelet.reachable ? directTransport(kubelet) : unreachable) },
  });
  api = new ApiClient(directTransport(server));
  await api.post("/api/v1/namespaces/default/serviceaccounts", { metadata: { name: "default" } });
  await api.post("/api/v1/nodes", {
    metadata: { name: "node-1" },
    status: { addresses: [{ type: "InternalIP", address: "172.18.0.3" }] },
  });
  await api.post("/api/v1/namespaces/default/pods", {
    metadata: { name: "web" },
    spec: { nodeName: "node-1", containers: [{ name: "main", image: "nginx" }] },
  });
});

test("logs come from the pod's kubelet with the options that it knows", async () => {
  const reply = await api.get(`${POD}/log?follow=true&tailLines=5&timestamps=false&pretty=1`);
  expect([reply.status, reply.headers["content-type"], reply.text]).toEqual([
    200,
    "text/plain",
    "line 1\nline 2\n",
  ]);
  expect(kubelet.asked).toEqual(["GET /containerLogs/default/web/main?follow=true&tailLines=5"]);
});

test("a container that has not started has no logs, in the kubelet's words", async () => {
  const message = 'container "main" in pod "web" is waiting to start: ContainerCreating';
  kubelet.answer = { status: 400, body: message };
  const reply = await api.get(`${POD}/log`);
  expect(reply.body).toMatchObject({ code: 400, reason: "BadRequest", message });
});

test("log options that make no sense are refused before the kubelet is asked", async () => {
  const reply = await api.get(`${POD}/log?tailLines=-1&sinceSeconds=0`);
  expect(reply.body.message).toBe(
    'PodLogOptions "web" is invalid: [tailLines: Invalid value: -1: must be greater than or equal to 0, sinceSeconds: Invalid value: 0: must be greater than 0]',
  );
  expect(kubelet.asked).toEqual([]);
});

test("a kubelet that is gone is named in the error", async () => {
  kubelet.reachable = false;
  const reply = await api.get(`${POD}/log`);
  expect([reply.status, reply.body.message]).toEqual([
    500,
    'Get "https://172.18.0.3:10250/containerLogs/default/web/main": dial tcp 172.18.0.3:10250: connect: connection refused',
  ]);
});

test("exec carries messages both ways and the last word of the kubelet arrives", async () => {
  kubelet.session = async (stream) => {
    const input = text(await stream.read());
    await stream.write(Buffer.from(`\u0001echo ${input.slice(1)}`));
    await stream.write(Buffer.from('\u0003{"status":"Success"}'));
    stream.close();
  };
  const { protocol, stream } = await api.transport.upgrade(
    {
      method: "GET",
      path: `${POD}/exec?command=sh&command=-c&stdin=true&stdout=true&stderr=true&tty=false`,
      headers: {},
    },
    ["v5.channel.k8s.io", "v4.channel.k8s.io"],
  );
  expect(protocol).toBe("v5.channel.k8s.io");
  await stream.write(Buffer.from("\u0000hello"));
  expect(text(await stream.read())).toBe("\u0001echo hello");
  expect(text(await stream.read())).toBe('\u0003{"status":"Success"}');
  expect(await stream.read()).toBeUndefined();
  expect(kubelet.asked).toEqual([
    "POST /exec/default/web/main?command=sh&command=-c&input=1&output=1&error=1",
  ]);
});

test("a client that hangs up ends the session at the kubelet", async () => {
  let ended: () => void = () => undefined;
  const sessionEnded = new Promise<void>((resolve) => {
    ended = resolve;
  });
  kubelet.session = async (stream) => {
    expect(await stream.read()).toBeUndefined();
    ended();
  };
  const { stream } = await api.transport.upgrade(
    { method: "GET", path: `${POD}/attach?stdin=true`, headers: {} },
    ["v5.channel.k8s.io"],
  );
  stream.close();
  await sessionEnded;
});

test("what the kubelet refuses is refused to the client", async () => {
  kubelet.refuse = true;
  const upgrade = api.transport.upgrade({ method: "GET", path: `${POD}/exec?command=ls`, headers: {} }, [
    "v5.channel.k8s.io",
  ]);
  await expect(upgrade).rejects.toBeInstanceOf(UpgradeRefused);
  await expect(upgrade).rejects.toMatchObject({ response: { status: 400 } });
});

test("exec without an upgrade is a bad request", async () => {
  const reply = await api.post(`${POD}/exec?command=ls`, "");
  expect([reply.status, reply.body.message]).toEqual([400, "Upgrade request required"]);
});
