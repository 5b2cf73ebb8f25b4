import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { spawn } from "node:child_process";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually, haveKubectl, LiveCluster, type Ran, run, words } from "../testkit/live-cluster.js";

// Unmodified kubectl against real processes: each verb does what it does on any cluster.

const suite = haveKubectl ? describe : describe.skip;
const TIMEOUT_MS = 60_000;

suite("kubectl", () => {
  let cluster: LiveCluster;
  const folder = mkdtempSync(join(tmpdir(), "kubesim-kubectl-"));
  const kubectl = (...args: string[]): Promise<Ran> => cluster.kubectl(...args);
  /** Standard output of a call that must succeed. */
  const ok = async (...args: string[]): Promise<string> => {
    const ran = await kubectl(...args);
    if (ran.code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${ran.stderr}`);
    return ran.stdout;
  };

  beforeAll(async () => {
    cluster = await LiveCluster.up("kubectl", "-f", "manifests/demo");
    await ok("rollout", "status", "deployment/web", "--timeout=30s");
    await ok("wait", "--for=condition=Ready", "pod/client", "--timeout=30s");
    await ok("-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=30s");
  }, 90_000);

  afterAll(async () => {
    await cluster.dispose();
    rmSync(folder, { recursive: true, force: true });
  }, 30_000);

  test("version, cluster-info, api-versions and api-resources know the server", async () => {
    expect(await ok("version")).toMatch(/^Server Version: v1\.36\.\d+/m);
    expect(await ok("cluster-info")).toContain("Kubernetes control plane");
    expect((await ok("api-versions")).split("\n")).toEqual(
      expect.arrayContaining(["v1", "apps/v1", "discovery.k8s.io/v1"]),
    );
    expect(await ok("api-resources")).toMatch(/^deployments +deploy +apps\/v1 +true +Deployment$/m);
  });

  test("explain shows a field's type and description", async () => {
    expect(await ok("explain", "pod.spec.containers.ports.containerPort")).toContain(
      "FIELD: containerPort <integer>",
    );
  });

  test("every output form of get", async () => {
    const names = (await ok("get", "pods", "-l", "app=web", "-o", "name")).trim().split("\n");
    expect(names).toHaveLength(3);
    expect(JSON.parse(await ok("get", "deploy", "web", "-o", "json"))).toMatchObject({ kind: "Deployment" });
    expect(await ok("get", "deploy", "web", "-o", "yaml")).toContain("kind: Deployment\n");
    expect(await ok("get", "svc", "web", "-o", "jsonpath={.spec.ports[0].port}")).toBe("80");
    expect(await ok("get", "svc", "web", "-o", "custom-columns=N:.metadata.name,P:.spec.ports[*].port")).toBe(
      "N     P\nweb   80\n",
    );
    expect(await ok("get", "svc", "web", "-o", "go-template={{.metadata.name}}")).toBe("web");
    expect(await ok("get", "pods", "-o", "wide")).toMatch(
      /^NAME +READY +STATUS +RESTARTS +AGE +IP +NODE +NOMINATED NODE +READINESS GATES$/m,
    );
    expect(await ok("get", "pods", "--show-labels", "-L", "app")).toContain("app=client");
    expect(await ok("get", "pods", "--sort-by=.metadata.name")).toContain("client");
    expect(await ok("get", "pods", "--field-selector=status.phase=Running", "-o", "name")).toContain(
      "pod/client",
    );
  });

  test(
    "get -w shows an object's changes as they come",
    async () => {
      const watching = spawn("kubectl", ["get", "configmap", "seen", "-w", "--ignore-not-found"], {
        env: { ...process.env, KUBECONFIG: cluster.kubeconfig },
      });
      let output = "";
      watching.stdout.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
      const all = spawn("kubectl", ["get", "configmaps", "-w"], {
        env: { ...process.env, KUBECONFIG: cluster.kubeconfig },
      });
      all.stdout.on("data", (chunk: Buffer) => {
        output += chunk.toString();
      });
      await eventually(() => Promise.resolve(output.includes("kube-root-ca.crt")));
      await ok("create", "configmap", "seen", "--from-literal=a=1");
      await eventually(() => Promise.resolve(/^seen +1 +\d+s$/m.test(output)));
      await ok("patch", "configmap", "seen", "-p", '{"data":{"b":"2"}}');
      await eventually(() => Promise.resolve(/^seen +2 +\d+s$/m.test(output)));
      watching.kill();
      all.kill();
    },
    TIMEOUT_MS,
  );

  test(
    "create and expose make what their words say",
    async () => {
      expect(
        await ok(
          "create",
          "deployment",
          "echo",
          "--image=registry.k8s.io/e2e-test-images/agnhost:2.53",
          "--replicas=2",
          "--",
          "/agnhost",
          "netexec",
          "--http-port=8080",
        ),
      ).toBe("deployment.apps/echo created\n");
      expect(await ok("expose", "deployment", "echo", "--port=80", "--target-port=8080")).toBe(
        "service/echo exposed\n",
      );
      await ok("rollout", "status", "deployment/echo", "--timeout=30s");
      const answer = await ok("exec", "client", "--", "wget", "-qO-", "http://echo/hostname");
      expect(answer).toMatch(/^echo-/);
      await ok("delete", "deployment,service", "echo");
    },
    TIMEOUT_MS,
  );

  test(
    "scale, set image, rollout history, undo and restart move a Deployment along",
    async () => {
      await ok("create", "deployment", "moving", "--image=nginx:1.26");
      expect(await ok("scale", "deployment/moving", "--replicas=2")).toBe("deployment.apps/moving scaled\n");
      await ok("set", "image", "deployment/moving", "nginx=nginx:1.27");
      expect(await ok("rollout", "status", "deployment/moving", "--timeout=30s")).toContain(
        "successfully rolled out",
      );
      expect(await ok("rollout", "history", "deployment/moving")).toMatch(/^1 +<none>\n2 +<none>$/m);
      expect(await ok("rollout", "undo", "deployment/moving")).toBe("deployment.apps/moving rolled back\n");
      await ok("rollout", "status", "deployment/moving", "--timeout=30s");
      expect(
        await ok("get", "deploy", "moving", "-o", "jsonpath={.spec.template.spec.containers[0].image}"),
      ).toBe("nginx:1.26");
      expect(await ok("rollout", "restart", "deployment/moving")).toBe("deployment.apps/moving restarted\n");
      await ok("rollout", "status", "deployment/moving", "--timeout=30s");
      await ok("delete", "deployment", "moving");
      await eventually(async () => (await ok("get", "rs", "-l", "app=moving", "-o", "name")) === "");
    },
    TIMEOUT_MS,
  );

  test("label, annotate and the three kinds of patch change one object", async () => {
    await ok("create", "configmap", "changing", "--from-literal=a=1");
    expect(await ok("label", "configmap", "changing", "tier=x")).toBe("configmap/changing labeled\n");
    expect(await ok("annotate", "configmap", "changing", "note=y")).toBe("configmap/changing annotated\n");
    await ok("patch", "configmap", "changing", "--type=merge", "-p", '{"data":{"b":"2"}}');
    await ok("patch", "configmap", "changing", "--type=json", "-p", '[{"op":"remove","path":"/data/a"}]');
    await ok("patch", "configmap", "changing", "-p", '{"data":{"c":"3"}}');
    const object: unknown = JSON.parse(await ok("get", "configmap", "changing", "-o", "json"));
    expect(object).toMatchObject({
      data: { b: "2", c: "3" },
      metadata: { labels: { tier: "x" }, annotations: { note: "y" } },
    });
    await ok("delete", "configmap", "changing");
  });

  test("edit and replace send a whole object; an old one is refused with a conflict", async () => {
    await ok("create", "configmap", "edited", "--from-literal=a=1");
    const old = join(folder, "old.json");
    writeFileSync(old, await ok("get", "configmap", "edited", "-o", "json"));
    const edited = await run("kubectl", ["edit", "configmap", "edited"], {
      env: { KUBECONFIG: cluster.kubeconfig, KUBE_EDITOR: `sed -i 's/a: "1"/a: "2"/'` },
    });
    expect(edited.stdout).toBe("configmap/edited edited\n");
    const { stderr } = await kubectl("replace", "-f", old);
    expect(stderr).toContain(
      "the object has been modified; please apply your changes to the latest version and try again",
    );
    await ok("delete", "configmap", "edited");
  });

  test("apply takes files, folders and standard input, and diff shows what would change", async () => {
    const text = (value: string): string =>
      `apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: one\ndata:\n  v: "${value}"\n---\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: two\n`;
    const applied = await cluster.kubectlWith(text("1"), "apply", "-f", "-");
    expect(applied.stdout).toBe("configmap/one created\nconfigmap/two created\n");
    writeFileSync(join(folder, "maps.yaml"), text("2"));
    const diff = await kubectl("diff", "-f", folder);
    expect(diff.code).toBe(1);
    expect(diff.stdout).toMatch(/^-\s+v: "1"\n\+\s+v: "2"$/m);
    expect(await ok("apply", "-f", join(folder, "maps.yaml"))).toBe(
      "configmap/one configured\nconfigmap/two unchanged\n",
    );
    expect(await ok("delete", "-f", join(folder, "maps.yaml"))).toContain('configmap "one" deleted');
  });

  test(
    "logs, exec and attach reach the program in the Pod",
    async () => {
      await ok(
        "run",
        "talker",
        "--image=busybox:1.36",
        "--restart=Never",
        "--",
        "sh",
        "-c",
        "for i in 1 2 3; do echo line $i; done; sleep 600",
      );
      await ok("wait", "--for=condition=Ready", "pod/talker", "--timeout=30s");
      expect(await ok("logs", "talker")).toBe("line 1\nline 2\nline 3\n");
      expect(await ok("logs", "talker", "--tail=1")).toBe("line 3\n");
      expect(await ok("exec", "talker", "--", "sh", "-c", "echo $0 in $(hostname)")).toBe("sh in talker\n");
      const failing = await kubectl("exec", "talker", "--", "sh", "-c", "exit 7");
      expect(failing.code).toBe(7);
      const piped = await cluster.kubectlWith("hello\n", "exec", "-i", "talker", "--", "cat");
      expect(piped.stdout).toBe("hello\n");
      const missing = await kubectl("exec", "talker", "--", "nope");
      expect(missing.stderr).toContain('exec: "nope": executable file not found in $PATH');
      await ok("delete", "pod", "talker", "--now");
    },
    TIMEOUT_MS,
  );

  test(
    "kubectl run --rm -i gives the output once, the exit code, and leaves nothing",
    async () => {
      const { stdout, code } = await cluster.kubectlWith(
        "a\nb\n",
        ...words("run once --image=busybox:1.36 --rm -i --restart=Never -- sh -c"),
        "cat; exit 5",
      );

      expect(stdout.startsWith("a\nb\n")).toBe(true);
      expect(stdout.match(/a\n/g)).toHaveLength(1);
      expect(code).toBe(5);
      await eventually(async () => (await kubectl("get", "pod", "once")).code === 1);
    },
    TIMEOUT_MS,
  );

  test(
    "delete cascades to dependents, or orphans them when told to",
    async () => {
      await ok("create", "deployment", "parent", "--image=nginx");
      await ok("rollout", "status", "deployment/parent", "--timeout=30s");
      await ok("delete", "deployment", "parent", "--cascade=orphan");
      const set = (await ok("get", "rs", "-l", "app=parent", "-o", "name")).trim();
      expect(set).toMatch(/^replicaset/);
      await eventually(
        async () => (await ok("get", set, "-o", "jsonpath={.metadata.ownerReferences}")) === "",
      );
      await ok("delete", set, "--cascade=foreground");
      expect(await ok("get", "pods", "-l", "app=parent", "-o", "name")).toBe("");
    },
    TIMEOUT_MS,
  );

  test(
    "cordon, drain and taint keep Pods away from a node",
    async () => {
      expect(await ok("cordon", "node-2")).toBe("node/node-2 cordoned\n");
      expect(await ok("get", "node", "node-2")).toContain("Ready,SchedulingDisabled");
      expect(
        await ok(
          "drain",
          "node-2",
          "--ignore-daemonsets",
          "--force",
          "--delete-emptydir-data",
          "--timeout=40s",
        ),
      ).toContain("node/node-2 drained");
      expect(await ok("get", "pods", "-A", "--field-selector=spec.nodeName=node-2", "-o", "name")).toBe("");
      await ok("uncordon", "node-2");
      expect(await ok("taint", "node", "node-3", "k=v:NoSchedule")).toBe("node/node-3 tainted\n");
      await ok("taint", "node", "node-3", "k:NoSchedule-");
      await ok("rollout", "status", "deployment/web", "--timeout=30s");
    },
    TIMEOUT_MS,
  );

  test(
    "events and describe tell what happened to a Pod, a failed pull included",
    async () => {
      await ok("run", "broken", "--image=no-such-image:1", "--restart=Never");
      await eventually(async () => (await ok("get", "pod", "broken")).includes("ImagePullBackOff"));
      expect(await ok("events", "--for=pod/broken")).toContain("Failed to pull image");
      const described = await ok("describe", "pod", "broken");
      expect(described).toMatch(/Warning +Failed +\S+ +(\(.*\) +)?kubelet +Error: ImagePullBackOff/);
      await ok("delete", "pod", "broken", "--now");
    },
    TIMEOUT_MS,
  );

  test("auth can-i answers from the authoriser, for others as well", async () => {
    expect(await ok("auth", "can-i", "create", "deployments")).toBe("yes\n");
    const node = await kubectl("auth", "can-i", "delete", "deployments", "--as=system:kube-proxy");
    expect(node.stdout).toBe("no\n");
    expect(await ok("auth", "whoami")).toContain("kubernetes-admin");
  });

  test("proxy carries plain HTTP to the API", async () => {
    const proxy = spawn("kubectl", ["proxy", "--port=0"], {
      env: { ...process.env, KUBECONFIG: cluster.kubeconfig },
    });
    let line = "";
    proxy.stdout.on("data", (chunk: Buffer) => {
      line += chunk.toString();
    });
    await eventually(() => Promise.resolve(/127\.0\.0\.1:\d+/.test(line)));
    const address = /127\.0\.0\.1:\d+/.exec(line)?.[0];
    const list = (await (await fetch(`http://${address}/api/v1/namespaces/default/services`)).json()) as {
      kind: string;
    };
    expect(list.kind).toBe("ServiceList");
    proxy.kill();
  });

  test(
    "wait sees conditions, deletion and JSONPath values",
    async () => {
      await ok("run", "waited", "--image=nginx", "--restart=Never");
      expect(await ok("wait", "--for=condition=Ready", "pod/waited", "--timeout=30s")).toBe(
        "pod/waited condition met\n",
      );
      await ok("wait", "--for=jsonpath={.status.phase}=Running", "pod/waited", "--timeout=10s");
      await ok("delete", "pod", "waited", "--wait=false");
      await ok("wait", "--for=delete", "pod/waited", "--timeout=40s");
    },
    TIMEOUT_MS,
  );

  test("dry runs answer as if they had been done and change nothing", async () => {
    expect(await ok("create", "configmap", "ghost", "--from-literal=a=1", "--dry-run=server")).toBe(
      "configmap/ghost created (server dry run)\n",
    );
    expect((await kubectl("get", "configmap", "ghost")).stderr).toBe(
      'Error from server (NotFound): configmaps "ghost" not found\n',
    );
  });
});
