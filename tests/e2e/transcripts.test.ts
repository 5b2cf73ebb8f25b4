import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually, haveKubectl, LiveCluster, words } from "../testkit/live-cluster.js";

// The transcripts that every newcomer types, with real kubectl, real curl-like requests and real processes.

const suite = haveKubectl ? describe : describe.skip;

suite("kubectl in a fresh cluster with the examples applied", () => {
  let cluster: LiveCluster;

  beforeAll(async () => {
    cluster = await LiveCluster.up("transcripts");
    const applied = await cluster.kubectl("apply", "-f", "manifests/examples");
    expect(applied.stderr).toBe("");
    await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=30s");
    await cluster.kubectl("-n", "kube-system", "rollout", "status", "deployment/coredns", "--timeout=30s");
  }, 90_000);

  afterAll(async () => {
    await cluster.dispose();
  }, 30_000);

  test("kubectl get svc web shows one ClusterIP Service", async () => {
    const { stdout } = await cluster.kubectl("get", "svc", "web");

    expect(stdout).toMatch(
      /^NAME {3}TYPE {8}CLUSTER-IP {2,}EXTERNAL-IP {3}PORT\(S\) {3}AGE\nweb {4}ClusterIP {3}10\.\d+\.\d+\.\d+ +<none> {8}80\/TCP {4}\d+s\n$/,
    );
  });

  test("kubectl describe svc web shows selector and three endpoints", async () => {
    const { stdout } = await cluster.kubectl("describe", "svc", "web");

    expect(stdout).toMatch(/^Selector: +app=web$/m);
    expect(stdout).toMatch(/^Endpoints: +10\.244\.\d+\.\d+:80,10\.244\.\d+\.\d+:80,10\.244\.\d+\.\d+:80$/m);
  });

  test("kubectl run with wget reaches the Service by name and leaves no Pod behind", async () => {
    const { stdout } = await cluster.kubectl(
      ...words("run tmp --image=busybox:1.36 --rm -i --restart=Never -- wget -qO- http://web"),
    );

    expect(stdout).toContain("<title>Welcome to nginx!</title>");
    await eventually(async () => (await cluster.kubectl("get", "pod", "tmp")).stderr.includes("not found"));
  }, 60_000);

  test("kubectl run with nslookup shows the ClusterIP in busybox's form", async () => {
    const clusterIP = (await cluster.kubectl("get", "svc", "web", "-o", "jsonpath={.spec.clusterIP}")).stdout;
    const { stdout } = await cluster.kubectl(
      ...words(
        "run tmp2 --image=busybox:1.36 --rm -i --restart=Never -- nslookup web.default.svc.cluster.local",
      ),
    );

    expect(stdout).toMatch(/^Server:\t\t10\.96\.0\.10$/m);
    expect(stdout).toContain(`Name:\tweb.default.svc.cluster.local\nAddress: ${clusterIP}\n`);
  }, 60_000);

  test("kubectl get svc web-nodeport shows port and node port, and the node port answers on this machine", async () => {
    const { stdout } = await cluster.kubectl("get", "svc", "web-nodeport");

    expect(stdout).toMatch(
      /^web-nodeport {3}NodePort {3}10\.\d+\.\d+\.\d+ +<none> {8}80:30080\/TCP {3}\d+s$/m,
    );
    const url = await cluster.nodePortUrl("default/web-nodeport");
    expect(await (await fetch(url)).text()).toContain("<title>Welcome to nginx!</title>");
  });

  test("applying the same manifests again changes nothing", async () => {
    const { stdout } = await cluster.kubectl("apply", "-f", "manifests/examples");

    const lines = stdout.trim().split("\n");
    expect(lines.filter((line) => !line.endsWith(" unchanged"))).toEqual([]);
  });

  test("LoadBalancers stay pending without a cloud, an ExternalName has no ClusterIP", async () => {
    const { stdout } = await cluster.kubectl("get", "svc");

    expect(stdout).toMatch(
      /^service-python-loadbalancer +LoadBalancer +10\.\S+ +<pending> +3000:30082\/TCP +\S+$/m,
    );
    expect(stdout).toMatch(
      /^service-python-externalname +ExternalName +<none> +remote\.server\.url\.com +3000\/TCP +\S+$/m,
    );
  });
});
