import { expect } from "@jest/globals";
import { decode, encode } from "dns-packet";
import { namespaces, pods, services } from "../../machinery/api/core-v1.js";
import { ingresses } from "../../machinery/api/networking-v1.js";
import { EXAMPLES, inLab, type Lab } from "./lab.js";
import { row } from "./row.js";

// Names, and HTTP by host and path.

const namespace = "default";
const KUBE_DNS = "10.96.0.10";
const ADDONS = ["manifests/addons/ingress-nginx.yaml"];

/** What cluster DNS answers: `NAME TYPE DATA` for each record, or why there is none. */
async function ask(lab: Lab, name: string): Promise<string[]> {
  const query = encode({ type: "query", id: 1, flags: 0x100, questions: [{ type: "A", name }] });
  const { dataPlane } = lab.cluster;
  const answer = decode(
    Buffer.from(await lab.do(dataPlane.exchange({ ip: KUBE_DNS, port: 53 }, query, 20_000))),
  );
  const records = (answer.answers ?? []).flatMap((record) =>
    record.type === "A" || record.type === "CNAME" ? [`${record.name} ${record.type} ${record.data}`] : [],
  );
  return records.length > 0 ? records : [(answer as { rcode?: string }).rcode ?? ""];
}

row(20, () =>
  inLab({}, async (lab) => {
    await lab.applyDns();
    const name = "web.default.svc.cluster.local";
    const before = await ask(lab, name);

    await lab.apply(EXAMPLES.clusterIp);
    await lab.cluster.run(1000);

    expect(before).toEqual(["NXDOMAIN"]);
    expect(await ask(lab, name)).toEqual([`${name} A ${await lab.clusterIp("web")}`]);
    expect(await ask(lab, "kubernetes.default.svc.cluster.local")).toEqual([
      "kubernetes.default.svc.cluster.local A 10.96.0.1",
    ]);
  }),
);

row(35, () =>
  inLab({}, async (lab) => {
    await lab.applyDns();
    await lab.apply(EXAMPLES.pythonExternalName);
    await lab.cluster.run(1000);
    const name = "service-python-externalname.default.svc.cluster.local";

    expect(await ask(lab, name)).toEqual([`${name} CNAME remote.server.url.com`]);
  }),
);

const echo = (text: string, at: string) => [
  {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "web", namespace: at, labels: { app: text } },
    spec: { containers: [{ name: "main", image: "hashicorp/http-echo", args: [`-text=${text}`] }] },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web", namespace: at },
    spec: { selector: { app: text }, ports: [{ port: 80, targetPort: 5678 }] },
  },
];

async function addNamespace(lab: Lab, name: string): Promise<void> {
  await lab.do(lab.client.create(namespaces, { metadata: { name } }));
  await lab.apply(...echo(`web of ${name}`.replaceAll(" ", "-"), name));
  await lab.cluster.until(async () => {
    const { status } = await lab.client.get(pods, { namespace: name, name: "web" });
    return status.conditions?.some((c) => c.type === "Ready" && c.status === "True") ?? false;
  });
  await lab.cluster.run(1000);
}

const anIngress = (name: string, host: string, service: string, port: number) => ({
  apiVersion: "networking.k8s.io/v1",
  kind: "Ingress",
  metadata: { name },
  spec: {
    ingressClassName: "nginx",
    rules: [
      {
        host,
        http: {
          paths: [
            {
              path: "/",
              pathType: "Prefix",
              backend: { service: { name: service, port: { number: port } } },
            },
          ],
        },
      },
    ],
  },
});

/** Waits until a controller has put its address into the Ingress. */
const admitted = (lab: Lab, name: string): Promise<void> =>
  lab.cluster.until(
    async () => {
      const { status } = await lab.client.get(ingresses, { namespace, name });
      return (status.loadBalancer.ingress ?? []).length > 0;
    },
    120_000,
    "an address in the Ingress",
  );

const controllerIp = async (lab: Lab): Promise<string> => {
  const name = "ingress-nginx-controller";
  const { spec } = await lab.do(lab.client.get(services, { namespace: "ingress-nginx", name }));
  return spec.clusterIP ?? "";
};

row(36, () =>
  inLab({}, async (lab) => {
    await lab.applyDns();
    await lab.apply(...ADDONS);
    await addNamespace(lab, "shop");
    await lab.apply({
      apiVersion: "v1",
      kind: "Service",
      metadata: { name: "alias" },
      spec: { type: "ExternalName", externalName: "web.shop.svc.cluster.local", ports: [{ port: 80 }] },
    });
    await lab.apply(anIngress("across", "shop.example", "alias", 80));
    await admitted(lab, "across");
    await lab.runClient();
    await lab.cluster.run(2000);

    const direct = await lab.wget("client", "http://alias");
    const throughIngress = await lab.wget(
      "client",
      `--header 'Host: shop.example' http://${await controllerIp(lab)}/`,
    );

    expect(direct).toEqual(["web-of-shop"]);
    expect(throughIngress).toEqual(["web-of-shop"]);
  }),
);

row(41, () =>
  inLab({}, async (lab) => {
    await lab.applyDns();
    await lab.applyWeb();
    await lab.runClient();
    const look = async (): Promise<string> =>
      (await lab.sh("client", "nslookup web.default.svc.cluster.local")).output;
    const before = [await lab.clusterIp("web"), await look()];
    const ips = lab.routes("web");

    for (const { metadata } of await lab.pods("app=web")) await lab.kill(metadata.name);
    await lab.routed("web", 3, ips);

    expect([await lab.clusterIp("web"), await look()]).toEqual(before);
    expect(before[1]).toContain(`Address: ${before[0]}\n`);
  }),
);

row(42, () =>
  inLab({}, async (lab) => {
    await lab.applyDns();
    await addNamespace(lab, "shop");
    const { spec } = await lab.do(lab.client.get(services, { namespace: "shop", name: "web" }));

    const name = "web.shop.svc.cluster.local";
    expect(await ask(lab, name)).toEqual([`${name} A ${spec.clusterIP}`]);
  }),
);

row(55, () =>
  inLab({}, async (lab) => {
    await lab.apply(...ADDONS, EXAMPLES.ingress);
    await lab.routed("shop", 2);
    await lab.routed("api", 2);
    await admitted(lab, "shop");
    await lab.runClient();
    await lab.cluster.run(1000);
    const ip = await controllerIp(lab);
    const get = async (host: string, path: string): Promise<string> =>
      (await lab.sh("client", `wget -qO- --header 'Host: ${host}' http://${ip}${path} 2>&1`)).output;

    expect(await get("shop.example", "/")).toBe("the shop\n");
    expect(await get("shop.example", "/cart")).toBe("the shop\n");
    expect(await get("shop.example", "/api/hello")).toContain(
      "GET /api/hello HTTP/1.1\nHost: shop.example\n",
    );
    expect((await lab.sh("client", `wget -O- --header 'Host: other.example' http://${ip}/`)).exitCode).toBe(
      1,
    );
  }),
);

row(65, () =>
  inLab({}, async (lab) => {
    await lab.applyDns();
    await lab.applyWeb();
    await lab.runClient("tmp");

    const { output } = await lab.sh("tmp", "wget -qO- http://web | grep title");

    expect(output).toBe("<title>Welcome to nginx!</title>\n");
  }),
);

row(66, () =>
  inLab({}, async (lab) => {
    await lab.applyDns();
    await lab.apply(EXAMPLES.clusterIp);
    await lab.runClient("tmp");

    const { output } = await lab.sh("tmp", "nslookup web.default.svc.cluster.local");

    const ip = await lab.clusterIp("web");
    expect(output).toContain(
      `Server:\t\t${KUBE_DNS}\nAddress:\t${KUBE_DNS}:53\n\nName:\tweb.default.svc.cluster.local\nAddress: ${ip}\n`,
    );
  }),
);

row(67, () =>
  inLab({}, async (lab) => {
    await lab.applyDns();
    await lab.apply(...echo("own", namespace));
    await addNamespace(lab, "shop");
    await lab.ready("web");
    await lab.runClient();

    const { output } = await lab.sh("client", "cat /etc/resolv.conf");
    const [own, other] = [
      await lab.wget("client", "http://web"),
      await lab.wget("client", "http://web.shop"),
    ];

    expect(output).toContain("search default.svc.cluster.local svc.cluster.local cluster.local\n");
    expect(output).toContain("options ndots:5\n");
    expect(own).toEqual(["own"]);
    expect(other).toEqual(["web-of-shop"]);
  }),
);

row(76, () =>
  inLab({}, async (lab) => {
    await lab.applyDns();
    const at = { namespace: "kube-system", name: "kube-dns" };
    const { spec } = await lab.do(lab.client.get(services, at));
    const replicas = await lab.pods("k8s-app=kube-dns", "kube-system");
    await lab.runClient();
    await lab.sh("client", "nslookup kubernetes.default.svc.cluster.local");

    expect(spec.clusterIP).toBe(KUBE_DNS);
    expect(replicas.map(({ status }) => status.phase)).toEqual(["Running", "Running"]);
    const answering = lab.cluster
      .flows()
      .filter(({ destination }) => destination === `${KUBE_DNS}:53`)
      .map(({ pod = "" }) => pod);
    expect(answering.length).toBeGreaterThan(0);
    for (const pod of answering) expect(pod).toMatch(/^kube-system\/coredns-/);
  }),
);
