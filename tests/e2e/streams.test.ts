import { createHash, randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { WebSocket } from "ws";
import { eventually, haveKubectl, LiveCluster, run, words } from "../testkit/live-cluster.js";

// exec, attach, cp, run, port-forward and proxy with an unmodified kubectl, over WebSockets and over SPDY as kubectl
// before 1.30 speaks it. Without kubectl in the path there is nothing to test.

const suite = haveKubectl ? describe : describe.skip;
const TIMEOUT_MS = 60_000;
const TITLE = "<title>Welcome to nginx!</title>";
const SPDY = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: "false", KUBECTL_PORT_FORWARD_WEBSOCKETS: "false" };
const WEBSOCKETS = { KUBECTL_REMOTE_COMMAND_WEBSOCKETS: "true", KUBECTL_PORT_FORWARD_WEBSOCKETS: "true" };

const BOX = `
apiVersion: v1
kind: Pod
metadata: {name: box}
spec:
  containers: [{name: box, image: busybox, stdin: true, command: [sh, -c, "cat; sleep 10000"]}]
`;

suite("kubectl's streams", () => {
  let cluster: LiveCluster;
  const dir = mkdtempSync(join(tmpdir(), "kubesim-streams-"));
  beforeAll(async () => {
    cluster = await LiveCluster.up("streams", "-f", "manifests/demo");
    await cluster.kubectlWith(BOX, "apply", "-f", "-");
    await cluster.kubectl(...words("wait --for=condition=Ready pod/box --timeout=20s"));
    await cluster.kubectl(...words("rollout status deployment/web --timeout=20s"));
  }, 90_000);
  afterAll(async () => {
    rmSync(dir, { recursive: true, force: true });
    await cluster.dispose();
  }, 30_000);

  const kubectl = (transport: Record<string, string>, args: readonly string[], stdin?: string) =>
    run("kubectl", args, {
      env: { ...transport, KUBECONFIG: cluster.kubeconfig },
      ...(stdin === undefined ? {} : { stdin }),
    });

  /** kubectl in the background until its end, with what it has printed so far. */
  const background = (transport: Record<string, string>, ...args: string[]) =>
    cluster.background("kubectl", args, transport);

  describe.each([
    ["SPDY", SPDY],
    ["WebSockets", WEBSOCKETS],
  ])("over %s", (name, transport) => {
    test(
      "exec keeps output, errors and exit code apart, and takes ten megabytes of input whole",
      async () => {
        const ran = await kubectl(transport, [
          ...words("exec box --"),
          "sh",
          "-c",
          "echo out; echo oops >&2; exit 7",
        ]);
        const bytes = randomBytes(5_000_000).toString("hex");
        const summed = await kubectl(transport, words("exec -i box -- sha256sum"), bytes);
        const missing = await kubectl(transport, words("exec box -- no-such-program"));

        expect(ran).toEqual({
          stdout: "out\n",
          stderr: "oops\ncommand terminated with exit code 7\n",
          code: 7,
        });
        expect(summed.stdout).toBe(`${createHash("sha256").update(bytes).digest("hex")}  -\n`);
        expect(missing.stderr).toContain('exec: "no-such-program": executable file not found in $PATH');
        expect(missing.code).toBe(1);
      },
      TIMEOUT_MS,
    );

    test(
      "cp carries a file there and back",
      async () => {
        const [there, back] = [join(dir, "there"), join(dir, `back-${name}`)];
        writeFileSync(there, randomBytes(300_000));
        expect((await kubectl(transport, ["cp", there, `box:/tmp/${name}`])).stderr).toBe("");
        await kubectl(transport, ["cp", `box:/tmp/${name}`, back]);
        expect(readFileSync(back).equals(readFileSync(there))).toBe(true);
      },
      TIMEOUT_MS,
    );

    test(
      "attach joins the running program; run --rm passes its exit code on",
      async () => {
        const attached = background(transport, "attach", "-i", "box");
        attached.stdin.write(`hello over ${name}\n`);
        await attached.prints(/(hello over)/);
        await attached.end();
        const pod = `shell-${name.toLowerCase()}`;
        const ran = await kubectl(
          transport,
          words(`run ${pod} --rm -i --restart=Never --image=busybox --quiet -- sh`),
          "echo piped\nexit 3\n",
        );
        expect(ran.stdout).toContain("piped");
        expect(ran.code).toBe(3);
      },
      TIMEOUT_MS,
    );

    test(
      "port-forward serves many connections, and ends when its pod has died",
      async () => {
        await cluster.kubectl(...words("delete pod victim --now --ignore-not-found"));
        await cluster.kubectl(...words("run victim --image=nginx"));
        await cluster.kubectl(...words("wait --for=condition=Ready pod/victim --timeout=20s"));
        const toPods = background(transport, "port-forward", "deploy/web", ":80", ":81");
        const url = `http://${await toPods.prints(/(127\.0\.0\.1:\d+) -> 80/)}`;
        const answers = await Promise.all(Array.from({ length: 40 }, async () => (await fetch(url)).text()));
        expect(answers.filter((text) => text.includes(TITLE))).toHaveLength(40);
        await fetch(`http://${await toPods.prints(/(127\.0\.0\.1:\d+) -> 81/)}`).catch(() => {});
        await toPods.prints(/failed to connect to localhost:81 .*(connection refused)/);
        await toPods.end();

        const toPod = background(transport, "port-forward", "pod/victim", ":80");
        const victim = `http://${await toPod.prints(/(127\.0\.0\.1:\d+) -> 80/)}`;
        expect(await (await fetch(victim)).text()).toContain(TITLE);
        await cluster.kubectl(...words("delete pod victim --now"));
        await fetch(victim).catch(() => {});
        expect(await toPod.exited).toBe(1);
        expect(toPod.printed()).toMatch(
          /network namespace for sandbox .* is closed|connection reset by peer/,
        );
        expect(toPod.printed()).toContain("error: lost connection to pod");
      },
      TIMEOUT_MS,
    );
  });

  test(
    "kubectl proxy reaches Services, pods and kubelets, WebSockets included",
    async () => {
      const proxy = background({}, "proxy", "--port", "0");
      const at = await proxy.prints(/on (127\.0\.0\.1:\d+)/);
      const api = `http://${at}/api/v1`;
      const service = `${api}/namespaces/default/services`;
      const [page, named, missing, tls] = await Promise.all([
        fetch(`${service}/web/proxy/`),
        fetch(`${service}/http:web:80/proxy/`, { method: "DELETE" }),
        fetch(`${service}/nope/proxy/`),
        fetch(`${service}/https:web:80/proxy/`),
      ]);
      expect(await page.text()).toContain(TITLE);
      expect([named.status, missing.status]).toEqual([405, 404]);
      expect(await tls.json()).toMatchObject({
        code: 503,
        message: "error trying to reach service: http: server gave HTTP response to HTTPS client",
      });

      const { stdout: node } = await cluster.kubectl("get", "pod", "box", "-o", "jsonpath={.spec.nodeName}");
      const path = `nodes/${node}/proxy/exec/default/box/box?command=echo&command=hi&output=1`;
      const socket = new WebSocket(`ws://${at}/api/v1/${path}`, ["v4.channel.k8s.io"]);
      const received: string[] = [];
      socket.on("message", (data: Buffer) => received.push(data.toString()));
      await new Promise((resolve) => socket.once("close", resolve));
      expect(received.join("")).toContain("\u0001hi\n");
      await proxy.end();
    },
    TIMEOUT_MS,
  );

  test(
    "a node port that another program has is served on a free one, with a Warning that says so",
    async () => {
      const taken = createServer((_request, response) => void response.end("not a cluster"));
      await new Promise<void>((resolve) => taken.listen(31_977, "127.0.0.1", resolve));
      try {
        const manifest = {
          apiVersion: "v1",
          kind: "Service",
          metadata: { name: "crowded" },
          spec: { type: "NodePort", selector: { app: "web" }, ports: [{ port: 80, nodePort: 31_977 }] },
        };
        await cluster.kubectlWith(JSON.stringify(manifest), "apply", "-f", "-");
        const { stdout } = await cluster.cli("service", "crowded", "--url", "--wait", "20");
        expect(stdout.trim()).not.toBe("http://127.0.0.1:31977");
        expect(await (await fetch(stdout.trim())).text()).toContain(TITLE);
        const { stdout: status } = await cluster.kubesim("status");
        expect(status).toMatch(/default\/crowded: 127\.0\.0\.1:31977 is on 127\.0\.0\.1:\d+/);
        const events = words("events --for service/crowded --types=Warning");
        await eventually(async () => /31977/.test((await cluster.kubectl(...events)).stdout));
      } finally {
        taken.close();
      }
    },
    TIMEOUT_MS,
  );
});
