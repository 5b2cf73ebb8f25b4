import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { afterAll, beforeAll, expect } from "@jest/globals";
import { type Background, eventually, LiveCluster, run, words } from "../testkit/live-cluster.js";
import { EXAMPLES } from "./lab.js";
import { kubectlRow, row } from "./row.js";

// Real processes, real sockets, real kubectl: what somebody types who follows the founding documents.

const CLI = join(process.cwd(), "dist", "cli", "main.js");
const TITLE = "<title>Welcome to nginx!</title>";
const BALANCER = "service-python-loadbalancer";
const PYTHON = `
apiVersion: v1
kind: Pod
metadata: {name: pod-python, labels: {run: pod-python}}
spec: {containers: [{name: main, image: "python:3.12", command: [python, -m, http.server, "443"]}]}
`;

let cluster: LiveCluster;
const running: Background[] = [];

beforeAll(async () => {
  cluster = await LiveCluster.up("checklist", "-f", "manifests/examples");
  await run(process.execPath, [CLI, "apply", "-f", "-"], {
    stdin: PYTHON,
    env: { KUBECONFIG: cluster.kubeconfig },
  });
  const waiting = [
    words("rollout status deployment/web --timeout=30s"),
    words("rollout status deployment/coredns -n kube-system --timeout=30s"),
    words("wait --for=condition=Ready pod/pod-python --timeout=30s"),
  ].map((args) => cluster.cli(...args));
  for (const { code } of await Promise.all(waiting)) expect(code).toBe(0);
}, 90_000);

afterAll(async () => {
  for (const program of running) await program.end("SIGKILL");
  await cluster.dispose();
}, 30_000);

/** What kubesim prints; it must succeed. */
async function kubesim(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await cluster.cli(...args);
  if (code !== 0) throw new Error(`kubesim ${args.join(" ")}: ${stderr}${stdout}`);
  return stdout;
}

/** The same of kubectl. */
async function kubectl(...args: string[]): Promise<string> {
  const { stdout, stderr, code } = await cluster.kubectl(...args);
  if (code !== 0) throw new Error(`kubectl ${args.join(" ")}: ${stderr}${stdout}`);
  return stdout;
}

const jsonPath = (type: string, name: string, path: string): Promise<string> =>
  kubesim("get", type, name, "-o", `jsonpath={${path}}`);

/** Starts a program that runs until it ends, at the latest with this file. */
function start(command: string, ...args: string[]): Background {
  const program = cluster.background(command, args);
  running.push(program);
  return program;
}

/** Runs a body while a tunnel gives the LoadBalancer of the examples an address. */
async function withTunnel(body: (address: string) => Promise<void>): Promise<void> {
  const tunnel = start("kubesim", "tunnel");
  try {
    await body(await tunnel.prints(/service-python-loadbalancer {2}([\d.]+:\d+)/));
  } finally {
    await tunnel.end();
  }
}

interface Reached {
  service: string;
  way: string;
  address: string;
  pod: string;
  node: string;
  host: string;
}
const reach = async (): Promise<Reached[]> => JSON.parse(await kubesim("reach", "-o", "json")) as Reached[];

let fromOutside: Promise<Reached[]> | undefined;
/** The same of all Services without a tunnel; tried once. */
const reachUntunnelled = (): Promise<Reached[]> => (fromOutside ??= reach());
const waysTo = async (service: string): Promise<Reached[]> =>
  (await reachUntunnelled()).filter((each) => each.service === `default/${service}`);

const isYes = (answer: string | undefined): boolean => answer?.startsWith("yes") ?? false;

/** curl on this machine. */
const curl = async (url: string): Promise<string> => (await run("curl", ["-s", "-m", "1", url])).stdout;

row(3, async () => {
  const [podIp] = (await waysTo("web")).filter(({ way }) => way === "pod IP");

  expect([isYes(podIp?.pod), isYes(podIp?.node), isYes(podIp?.host)]).toEqual([true, true, false]);
  expect(await curl(`http://${podIp?.address}`)).not.toContain(TITLE);
  // Once it is exposed, it can be reached.
  expect(await curl(await cluster.nodePortUrl("default/web-nodeport"))).toContain(TITLE);
});

row(7, async () => {
  const printed = await kubesim("trace", "--from", "node/node-1", "http://web");

  const [, node] = /^FROM +node node-1 \(([\d.]+)/m.exec(printed) ?? [];
  const [, service] = /^ADDRESS +([\d.]+):80, of web\.default\.svc\.cluster\.local$/m.exec(printed) ?? [];
  const [, pod] = /^ENDPOINT +([\d.]+):80, pod default\/web-/m.exec(printed) ?? [];
  expect(node).toBe("172.18.0.3");
  expect(service).toBe(await jsonPath("svc", "web", ".spec.clusterIP"));
  expect(pod).toMatch(/^10\.244\./);
});

row(9, async () => {
  const [clusterIp] = (await waysTo("web")).filter(({ way }) => way === "cluster IP");

  expect([isYes(clusterIp?.pod), isYes(clusterIp?.node), isYes(clusterIp?.host)]).toEqual([
    true,
    true,
    false,
  ]);
  expect(await curl(`http://${clusterIp?.address}`)).not.toContain(TITLE);
});

row(10, async () => {
  const url = await cluster.nodePortUrl("default/web-nodeport");
  const printed = await kubesim("trace", "http://127.0.0.1:30080");

  expect(await curl(url)).toContain(TITLE);
  const hops = printed
    .split("\n")
    .filter((line) => /^(FROM|ADDRESS|SERVICE|ENDPOINT|DNAT|VERDICT) /.test(line));
  expect(hops.map((line) => line.replace(/ +/g, " "))).toEqual([
    "FROM this machine",
    "ADDRESS 172.18.0.3:30080",
    expect.stringMatching(/^SERVICE default\/web-nodeport by node port 172\.18\.0\.3:30080\/TCP/),
    expect.stringMatching(/^ENDPOINT 10\.244\.\d+\.\d+:80, pod default\/web-\S+ on node-\d$/),
    expect.stringMatching(/^DNAT 172\.18\.0\.3:30080 → 10\.244\.\d+\.\d+:80$/),
    expect.stringMatching(/^VERDICT forwarded to 10\.244\.\d+\.\d+:80 on node-\d/),
  ]);
});

row(13, async () => {
  const addresses = (await jsonPath("endpoints", "web", ".subsets[*].addresses[*].ip")).split(" ");
  const slices = await kubesim(
    ...words("get endpointslices -l kubernetes.io/service-name=web -o"),
    "jsonpath={.items[*].endpoints[*].addresses[*]}",
  );
  const described = await kubesim("describe", "svc", "web");
  const pods = await kubesim(...words("get pods -l app=web -o"), "jsonpath={.items[*].status.podIP}");

  const [, line = ""] = /^Endpoints: +(\S+)$/m.exec(described) ?? [];
  const sets = [addresses, slices.split(" "), pods.split(" "), line.replaceAll(":80", "").split(",")];
  for (const ips of sets) expect(new Set(ips)).toEqual(new Set(addresses));
  expect(addresses).toHaveLength(3);
});

row(29, async () => {
  const rows = await waysTo("order");

  expect(rows.map(({ way }) => way)).toEqual(["cluster IP", "pod IP"]);
  for (const { pod, node, host } of rows)
    expect([isYes(pod), isYes(node), isYes(host)]).toEqual([true, true, false]);
});

row(37, async () => {
  const text = readFileSync(EXAMPLES.pythonClusterIp, "utf8");
  const flat = text.replace(/^ +/gm, "");
  const apply = (stdin: string) =>
    run(process.execPath, [CLI, "apply", "-f", "-"], { stdin, env: { KUBECONFIG: cluster.kubeconfig } });
  const { stderr, code } = await apply(flat);
  const line = flat.split("\n").indexOf("name: service-python") + 1;

  expect(code).toBe(1);
  expect(stderr).toContain(
    `  line ${line}: "name: service-python" stands at the left margin: it has most likely lost its indentation (it belongs under "metadata")`,
  );
  expect((await apply(text)).stdout).toBe("service/service-python unchanged\n");
});

kubectlRow(50, async () => {
  const endpoints = await kubectl("get", "endpoints", "web");
  const slices = await kubectl(...words("get endpointslices -l kubernetes.io/service-name=web"));
  const explained = (await kubectl("explain", "endpointslices")).replace(/\s+/g, " ");

  expect(endpoints).toMatch(
    /^NAME +ENDPOINTS +AGE\nweb +10\.244\.\S+:80,10\.244\.\S+:80,10\.244\.\S+:80 +\S+\n$/,
  );
  expect(slices).toMatch(
    /^NAME +ADDRESSTYPE +PORTS +ENDPOINTS +AGE\nweb-\w{5} +IPv4 +80 +10\.244\.\S+ +\S+\n$/,
  );
  expect(explained).toContain("Most EndpointSlices are created by the EndpointSlice controller");
});

kubectlRow(58, async () => {
  await kubectl("create", "namespace", "tour");
  const apply = () => kubectl("apply", "-n", "tour", "-f", EXAMPLES.clusterIp);
  const first = await apply();
  const second = await apply();
  const changed = await kubectl("get", "svc", "web", "-n", "tour", "-o", "json");
  const port = changed.replace('"port": 80,', '"port": 8080,');
  const third = await cluster.kubectlWith(port, "apply", "-f", "-");
  const ours = [await cluster.cli(...words(`apply -n tour -f ${EXAMPLES.clusterIp}`))];
  ours.push(await cluster.cli(...words(`apply -n tour -f ${EXAMPLES.clusterIp}`)));

  expect([first, second, third.stdout]).toEqual([
    "service/web created\n",
    "service/web unchanged\n",
    "service/web configured\n",
  ]);
  expect(ours.map(({ stdout }) => stdout)).toEqual(["service/web configured\n", "service/web unchanged\n"]);
});

kubectlRow(59, async () => {
  expect(await kubectl("get", "svc", "web")).toMatch(
    /^NAME {3}TYPE {8}CLUSTER-IP {2,}EXTERNAL-IP {3}PORT\(S\) {3}AGE\nweb {4}ClusterIP {3}10\.\d+\.\d+\.\d+ +<none> {8}80\/TCP {4}\d+s\n$/,
  );
});

kubectlRow(61, async () => {
  const line = 'kubectl describe svc web | grep -iE "Selector|Endpoints"';
  const { stdout } = await run("sh", ["-c", line], { env: { KUBECONFIG: cluster.kubeconfig } });
  const ours = await run("sh", ["-c", line.replace("kubectl", `${process.execPath} ${CLI}`)], {
    env: { KUBECONFIG: cluster.kubeconfig },
  });

  expect(stdout).toMatch(
    /^Selector: +app=web\nEndpoints: +10\.244\.\d+\.\d+:80,10\.244\.\d+\.\d+:80,10\.244\.\d+\.\d+:80\n$/,
  );
  expect(ours.stdout).toBe(stdout);
});

kubectlRow(64, async () => {
  const line = "kubectl run tmp --image=busybox:1.36 --rm -it -- sh";
  const shell = start("script", "-qec", line, "/dev/null");
  await shell.prints(/(\/ # )/);

  shell.stdin.write("echo I am $(hostname), $((6 * 7))\n");
  await shell.prints(/(I am tmp, 42)/);
  shell.stdin.write("exit\n");

  expect(await shell.exited).toBe(0);
  expect(shell.printed()).toContain('pod "tmp" deleted');
  const { stdout, stderr } = await cluster.kubectl(
    ...words("get pod tmp -o"),
    "jsonpath={.metadata.deletionTimestamp}",
  );
  expect(stdout + stderr).toMatch(/^2\d{3}-|pods "tmp" not found/);
});

kubectlRow(68, async () => {
  expect(await kubectl("get", "svc", "web-nodeport")).toMatch(
    /^NAME +TYPE +CLUSTER-IP +EXTERNAL-IP +PORT\(S\) +AGE\nweb-nodeport {3}NodePort {3}10\.\d+\.\d+\.\d+ +<none> {8}80:30080\/TCP {3}\d+s\n$/,
  );
});

row(69, async () => {
  const line = "curl -s http://localhost:30080 | grep title";
  const answers: Record<string, string> = {};
  for (const mode of ["userspace", "ipvs", "nftables", "iptables"]) {
    await kubesim("proxy-mode", mode);
    answers[mode] = (await cluster.cli("ssh", "node-1", line)).stdout;
  }

  expect(answers).toEqual({ userspace: `${TITLE}\n`, ipvs: "", nftables: "", iptables: `${TITLE}\n` });
});

row(70, async () => {
  const url = (await kubesim(...words("service web-nodeport --url --wait 20"))).trim();

  expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/);
  expect(await (await fetch(url)).text()).toContain(TITLE);
});

const externalIp = async (): Promise<string | undefined> =>
  (await kubesim("get", "svc", BALANCER)).split("\n")[1]?.split(/ +/)[3];

row(71, async () => {
  expect(await externalIp()).toBe("<pending>");
});

row(72, async () => {
  const before = await externalIp();
  let [during, page]: (string | undefined)[] = [];
  await withTunnel(async (address) => {
    during = await externalIp();
    page = await curl(`http://${address}`);
    expect(address.split(":")[0]).toBe(during);
  });

  expect(during).toMatch(/^127\./);
  expect(page).toContain("Directory listing for /");
  await eventually(async () => (await externalIp()) === before);
  expect(before).toBe("<pending>");
});

row(49, async () => {
  await withTunnel(async (address) => {
    const printed = await kubesim("trace", "--from", "internet", `http://${address}`);

    const hop = (name: string): string => new RegExp(`^${name} +(.*)$`, "m").exec(printed)?.[1] ?? "";
    expect(hop("FROM")).toMatch(/^the internet/);
    expect(hop("ADDRESS")).toBe(address);
    expect(hop("TABLE")).toMatch(/^of node-1,/);
    expect(hop("SERVICE")).toContain(`default/${BALANCER} by load balancer IP ${address}/TCP`);
    expect(hop("ENDPOINT")).toMatch(/^10\.244\.\d+\.\d+:443, pod default\/pod-python on node-\d$/);
    expect(await curl(`http://${address}`)).toContain("Directory listing for /");
  });
});

row(52, async () => {
  const patch = JSON.stringify({
    spec: { selector: { run: null, app: "web" }, ports: [{ port: 3000, targetPort: 80 }] },
  });
  await kubesim("patch", "svc", BALANCER, "--type=merge", "-p", patch);
  await withTunnel(async (address) => {
    await eventually(async () => (await curl(`http://${address}`)).includes(TITLE));
    await Promise.all(Array.from({ length: 60 }, () => curl(`http://${address}`)));
    const lines = (await kubesim(...words(`flows svc/${BALANCER} --limit 60 -o json`))).trim().split("\n");
    const flows = lines.map((line) => JSON.parse(line) as { node: string; pod: string });
    const share = (values: string[]): number[] =>
      [...new Set(values)].map((value) => values.filter((each) => each === value).length);

    expect(share(flows.map(({ node }) => node))).toEqual([20, 20, 20]);
    const perPod = share(flows.map(({ pod }) => pod));
    expect(perPod).toHaveLength(3);
    for (const count of perPod) expect(Math.abs(count - 20)).toBeLessThan(16);
  });
});

row(56, async () => {
  await withTunnel(async () => {
    const rows = await reach();
    const found = (service: string, way: string): boolean[] => {
      const at = rows.find((each) => each.service === `default/${service}` && each.way === way);
      return [isYes(at?.pod) || isYes(at?.node), isYes(at?.host)];
    };

    // Inside the cluster; outside of it.
    expect(found("web", "cluster IP")).toEqual([true, false]);
    expect(found("web-nodeport", "cluster IP")).toEqual([true, false]);
    expect(found("web-nodeport", "node port")).toEqual([true, true]);
    expect(found(BALANCER, "load balancer")[1]).toBe(true);
    const alias = rows.find(({ service, way }) => service.endsWith("externalname") && way === "CNAME");
    expect(alias?.pod).toBe("CNAME remote.server.url.com");
    expect(alias?.host).not.toMatch(/^(yes|CNAME)/);
  });
});

row(75, async () => {
  const [table, iptables, ipvs, nft] = await Promise.all([
    kubesim("routes", "svc/web"),
    ...["iptables", "ipvs", "nft"].map((form) => kubesim("routes", "svc/web", "-o", form)),
  ]);
  const ip = await jsonPath("svc", "web", ".spec.clusterIP");

  for (const node of ["node-1", "node-2", "node-3"]) {
    expect(table).toContain(node);
    for (const dump of [iptables, ipvs, nft]) expect(dump).toContain(`# ${node} IPv4\n`);
  }
  expect(table).toMatch(new RegExp(`default/web +${ip}:80 +TCP +<none> +Cluster +10\\.244\\.\\S+:80,`));
  expect(iptables?.match(new RegExp(`-A KUBE-SERVICES -d ${ip}/32 `, "g"))).toHaveLength(3);
  expect(ipvs?.match(new RegExp(`TCP {2}${ip}:80 rr`, "g"))).toHaveLength(3);
  expect(nft?.match(new RegExp(`${ip} \\. tcp \\. 80 : goto service-`, "g"))).toHaveLength(3);
});

kubectlRow(78, async () => {
  const names = async (...args: string[]): Promise<string[]> =>
    (await kubectl("get", "deployments", "-o", "name", ...args)).trim().split("\n").sort();

  await kubectl(...words("label deployment web shop order payment team=blue"));
  await kubectl(...words("label deployment shop team=green --overwrite"));
  const all = await Promise.all([
    names("-l", "team=blue"),
    names("-l", "team in (blue, green)"),
    names("-l", "team,team notin (blue)"),
    names("-l", "!team"),
    names("-n", "kube-system"),
    names("-A", "-l", "team!=blue"),
  ]);

  const named = (...short: string[]): string[] => short.map((name) => `deployment.apps/${name}`);
  expect(all).toEqual([
    named("order", "payment", "web"),
    named("order", "payment", "shop", "web"),
    named("shop"),
    named("api", "images"),
    named("coredns"),
    named("api", "coredns", "images", "shop"),
  ]);
});

row(74, async () => {
  const [podIp = ""] = (await jsonPath("endpoints", "web", ".subsets[*].addresses[*].ip")).split(" ");
  const clusterIp = await jsonPath("svc", "web", ".spec.clusterIP");
  const load = (name: string, ip: string) => ({
    name,
    image: "kubesim.dev/load",
    args: [`--url=http://${ip}`, "--loop=closed", "--per-second=2000", "--duration-ms=500"],
  });
  // Beside each other, so that whatever else this machine does delays both.
  const manifest = {
    apiVersion: "v1",
    kind: "Pod",
    metadata: { name: "meter" },
    spec: { restartPolicy: "Never", containers: [load("direct", podIp), load("service", clusterIp)] },
  };
  await run(process.execPath, [CLI, "apply", "-f", "-"], {
    stdin: JSON.stringify(manifest),
    env: { KUBECONFIG: cluster.kubeconfig },
  });
  await kubesim(...words("wait --for=jsonpath={.status.phase}=Succeeded pod/meter --timeout=30s"));
  const medianMs = async (container: string): Promise<number> => {
    const lines = (await kubesim("logs", "meter", "-c", container)).trim().split("\n");
    const took = lines.map((line) => JSON.parse(line) as { outcome: string; tookMs: number });
    expect(new Set(took.map(({ outcome }) => outcome))).toEqual(new Set(["ok"]));
    const sorted = took.map(({ tookMs }) => tookMs).sort((a, b) => a - b);
    return sorted[sorted.length >> 1] ?? 0;
  };

  const [direct, service] = await Promise.all(["direct", "service"].map(medianMs));

  // Both go through the data plane, which only decides differently: a look-up and a draw more.
  expect(direct).toBeGreaterThan(0);
  expect(service).toBeLessThan(2 * (direct ?? 0) + 1);
});

kubectlRow(54, async () => {
  const forward = (to: string) => start("kubectl", "port-forward", to, ":80");
  const pod = (await kubectl(...words("get pods -l app=web -o name"))).split("\n")[0] ?? "";
  const forwards = [pod, "svc/web", "deploy/web"].map(forward);
  const urls = await Promise.all(
    forwards.map(async (each) => `http://${await each.prints(/Forwarding from (127\.0\.0\.1:\d+)/)}`),
  );
  const pages = await Promise.all(urls.map(curl));

  await kubectl("delete", pod, "--now");
  const afterwards = await curl(urls[0] ?? "");

  for (const page of pages) expect(page).toContain(TITLE);
  expect(afterwards).toBe("");
  expect(await forwards[0]?.exited).not.toBe(0);
  expect(forwards[0]?.printed()).toContain("lost connection to pod");
  for (const each of forwards.slice(1)) await each.end();
});

row(79, async () => {
  const { processes } = await cluster.status();
  const pids = new Map(processes.map(({ name, pid }) => [name, pid]));
  const { stdout } = await run("ps", ["-o", "args=", "-p", [...pids.values()].join()]);
  const isAlive = (pid: number): boolean => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  expect(existsSync(join(cluster.dataDir, "kubesim.db"))).toBe(true);
  const names = ["apiserver", "controllers", "dataplane", "kubelet", "proxy"];
  expect([...pids.keys()].sort()).toEqual(names);
  for (const name of names)
    expect(stdout).toMatch(new RegExp(`main\\.js ${name} |${name}/main\\.js|kubesim ${name}`));

  for (const name of names) {
    process.kill(pids.get(name) ?? 0, "SIGKILL");
    pids.delete(name);
    expect([...pids.values()].every(isAlive)).toBe(true);
  }

  await eventually(async () => {
    const now = (await cluster.status()).processes;
    return now.every(({ ready, restarts }) => ready && restarts === 1);
  });
  await eventually(async () =>
    (await curl(await cluster.nodePortUrl("default/web-nodeport"))).includes(TITLE),
  );
});
