import { expect } from "@jest/globals";
import { deployments } from "../../machinery/api/apps-v1.js";
import { nodes, pods } from "../../machinery/api/core-v1.js";
import { EXAMPLES, inLab, type Lab } from "./lab.js";
import { row } from "./row.js";

// Pods: addresses, identities, ports, and why nobody should hold on to one.

const namespace = "default";
const identityOf = (pod: { metadata: { name: string; uid: string }; status: { podIP?: string } }) => ({
  name: pod.metadata.name,
  uid: pod.metadata.uid,
  ip: pod.status.podIP,
});

row(1, () =>
  inLab({}, async (lab) => {
    await lab.apply(EXAMPLES.deployment);
    await lab.available("web");
    const web = await lab.pods("app=web");

    for (const { metadata, status } of web) {
      const { output } = await lab.sh(metadata.name, "hostname; hostname -i");
      expect(output).toBe(`${metadata.name}\n${status.podIP}\n`);
      expect(metadata.namespace).toBe("default");
    }
    expect(new Set(web.map(({ status }) => status.podIP)).size).toBe(3);
  }),
);

row(2, () =>
  inLab({}, async (lab) => {
    await lab.apply({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "pair" },
      spec: {
        containers: [
          { name: "server", image: "nginx" },
          { name: "caller", image: "busybox:1.36", command: ["sleep", "1000000"] },
        ],
      },
    });
    await lab.ready("pair");

    const { output } = await lab.sh("pair", "wget -qO- http://127.0.0.1:80 | grep title", "caller");
    const fromServer = await lab.sh("pair", "hostname -i", "server");
    const fromCaller = await lab.sh("pair", "hostname -i", "caller");

    expect(output).toBe("<title>Welcome to nginx!</title>\n");
    expect(fromServer.output).toBe(fromCaller.output);
  }),
);

row(4, () =>
  inLab({ nodes: 1 }, async (lab) => {
    const ports = [{ containerPort: 80, hostPort: 5044 }];
    await lab.runPod("logstash", "nginx", { container: { ports } });
    const client = await lab.runClient();
    await lab.apply({
      apiVersion: "v1",
      kind: "Pod",
      metadata: { name: "second" },
      spec: { containers: [{ name: "main", image: "nginx", ports }] },
    });
    await lab.cluster.run(5000);

    const { output } = await lab.sh("client", `wget -qO- http://${client.status.hostIP}:5044 | grep title`);
    const second = await lab.pod("second");
    const scheduled = second.status.conditions?.find(({ type }) => type === "PodScheduled");

    expect(await lab.fromHost(5044)).toContain("Welcome to nginx!");
    expect(output).toContain("Welcome to nginx!");
    expect(second.status.phase).toBe("Pending");
    expect(scheduled?.message).toContain(
      "0/1 nodes are available: 1 node(s) didn't have free ports for the requested pod ports",
    );
  }),
);

row(5, () =>
  inLab({}, async (lab) => {
    await lab.applyWeb();
    const ips = lab.routes("web");
    const upstream = ips.map((ip) => `server ${ip}:80;`).join(" ");
    const configuration = `upstream web { ${upstream} } server { listen 80; location / { proxy_next_upstream off; proxy_pass http://web; } }`;
    await lab.apply({
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: { name: "fixed" },
      data: { "default.conf": configuration },
    });
    const fixed = await lab.runPod("fixed", "nginx", {
      container: { volumeMounts: [{ name: "conf", mountPath: "/etc/nginx/conf.d" }] },
      volumes: [{ name: "conf", configMap: { name: "fixed" } }],
    });
    await lab.runClient();
    const service = await lab.clusterIp("web");
    const titles = async (url: string): Promise<number> => {
      const { output } = await lab.sh(
        "client",
        `for i in $(seq 9); do wget -qO- -T 20 http://${url} | grep -c '<title>'; done`,
      );
      return output.split("\n").filter((line) => line === "1").length;
    };
    const answered: number[][] = [[await titles(fixed.status.podIP ?? ""), await titles(service)]];
    for (const victim of await lab.pods("app=web")) {
      await lab.kill(victim.metadata.name);
      await lab.cluster.run(5000);
      answered.push([await titles(fixed.status.podIP ?? ""), await titles(service)]);
    }

    const [viaList, viaService] = [0, 1].map((i) => answered.map((counts) => counts[i]));
    expect(viaService).toEqual([9, 9, 9, 9]);
    expect(viaList).toEqual([9, 6, 3, 0]);
  }),
);

row(6, () =>
  inLab({}, async (lab) => {
    await lab.apply(EXAMPLES.deployment);
    await lab.available("web");
    const before = await identities(lab);

    await lab.do(
      lab.client.patch(
        deployments,
        { namespace, name: "web" },
        {
          type: "strategic",
          body: { spec: { template: { spec: { containers: [{ name: "nginx", image: "nginx:1.27" }] } } } },
        },
      ),
    );
    await lab.available("web");
    await lab.cluster.until(async () => (await lab.client.list(pods, { namespace })).items.length === 3);
    const after = await identities(lab);

    for (const part of ["name", "uid", "ip"] as const) {
      const old = new Set(before.map((each) => each[part]));
      expect(after.filter((each) => old.has(each[part]))).toEqual([]);
    }
    const { output } = await lab.sh(after[0]?.name ?? "", "hostname");
    expect(output).toBe(`${after[0]?.name}\n`);
  }),
);

const identities = async (lab: Lab) => (await lab.pods("app=web")).map(identityOf);

row(17, () =>
  inLab({}, async (lab) => {
    await lab.apply(EXAMPLES.deployment);
    await lab.available("web");
    await lab.runPod("alone", "nginx", { labels: { app: "alone" } });
    const [victim] = await lab.pods("app=web");

    await lab.kill(victim?.metadata.name ?? "");
    await lab.kill("alone");
    await lab.available("web");
    await lab.cluster.run(120_000);

    const uids = (await identities(lab)).map(({ uid }) => uid);
    expect(uids).toHaveLength(3);
    expect(uids).not.toContain(victim?.metadata.uid);
    expect(await lab.pods("app=alone")).toEqual([]);
  }),
);

row(38, () =>
  inLab({}, async (lab) => {
    await lab.apply(EXAMPLES.deployment);
    await lab.available("web");
    const [victim] = await lab.pods("app=web");
    const [owner] = victim?.metadata.ownerReferences ?? [];

    await lab.kill(victim?.metadata.name ?? "");
    await lab.cluster.until(async () => {
      const { items } = await lab.client.list(pods, { namespace, labelSelector: "app=web" });
      const names = items.map(({ metadata }) => metadata.name);
      return names.length === 3 && !names.includes(victim?.metadata.name ?? "");
    });

    const now = await lab.pods("app=web");
    expect(owner).toMatchObject({ kind: "ReplicaSet", controller: true });
    expect(now.map(({ metadata }) => metadata.ownerReferences?.[0]?.uid)).toEqual(Array(3).fill(owner?.uid));
  }),
);

row(39, () =>
  inLab({}, async (lab) => {
    await lab.apply(EXAMPLES.deployment);
    await lab.available("web");
    const { items: before, metadata } = await lab.do(lab.client.list(pods, { namespace }));
    const nodesBefore = before.map(({ spec }) => spec.nodeName);
    const [victim] = before;

    // Its node takes no more pods, so the next one must be elsewhere.
    const node = victim?.spec.nodeName ?? "";
    await lab.do(
      lab.client.patch(nodes, { name: node }, { type: "merge", body: { spec: { unschedulable: true } } }),
    );
    await lab.kill(victim?.metadata.name ?? "");
    await lab.available("web");
    const known = before.map((pod) => pod.metadata.uid);
    const replacement = (await lab.pods("app=web")).find((pod) => !known.includes(pod.metadata.uid));

    const past = await lab.do(
      lab.client.list(pods, {
        namespace,
        resourceVersion: metadata.resourceVersion ?? "",
        resourceVersionMatch: "Exact",
      }),
    );
    const then = past.items.find((pod) => pod.metadata.uid === victim?.metadata.uid);
    expect(nodesBefore).toContain(then?.spec.nodeName);
    expect(then?.status.podIP).toBe(victim?.status.podIP);
    expect(replacement?.metadata.name).not.toBe(then?.metadata.name);
    expect(replacement?.status.podIP).not.toBe(then?.status.podIP);
    expect(replacement?.spec.nodeName).not.toBe(then?.spec.nodeName);
  }),
);

row(40, () =>
  inLab({}, async (lab) => {
    await lab.applyWeb();
    await lab.runClient();
    const [victim] = await lab.pods("app=web");
    const pod = `http://${victim?.status.podIP}`;
    const service = `http://${await lab.clusterIp("web")}`;
    const before = [await lab.wget("client", pod), await lab.wget("client", service)];

    await lab.kill(victim?.metadata.name ?? "");
    await lab.routed("web", 3, [victim?.status.podIP ?? ""]);

    for (const page of before) expect(page.join("\n")).toContain("Welcome to nginx!");
    expect(await lab.wget("client", pod)).toEqual(["failed"]);
    expect((await lab.wget("client", service)).join("\n")).toContain("Welcome to nginx!");
  }),
);

row(53, () =>
  inLab({}, async (lab) => {
    await lab.apply(EXAMPLES.deployment);
    await lab.available("web");
    await lab.runClient();
    const web = await lab.pods("app=web");
    const ipOf = (i: number): string => web[i]?.status.podIP ?? "";

    for (const i of [0, 1, 2])
      expect((await lab.wget("client", `http://${ipOf(i)}`)).join()).toContain("Welcome to nginx!");
    await lab.kill(web[0]?.metadata.name ?? "");
    await lab.cluster.run(5000);

    expect(await lab.wget("client", `http://${ipOf(0)}`)).toEqual(["failed"]);
    expect((await lab.wget("client", `http://${ipOf(1)}`)).join()).toContain("Welcome to nginx!");
  }),
);

row(57, () =>
  inLab({}, async (lab) => {
    await lab.apply(EXAMPLES.deployment);
    await lab.available("web");
    const web = await lab.pods("app=web");

    expect(web).toHaveLength(3);
    for (const { status } of web) expect(status.podIP).toMatch(/^10\.244\.\d+\.\d+$/);
  }),
);
