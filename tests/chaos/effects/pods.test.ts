import { afterEach, expect, test } from "@jest/globals";
import type { Pod } from "../../../machinery/api/core-v1.js";
import { app, client, isReady, Lab, service } from "./lab.js";

let lab: Lab;
afterEach(() => lab.stop());

const probe = { httpGet: { path: "/", port: 80 }, periodSeconds: 1, failureThreshold: 1 };
const web = { selector: "app=web" };
const only = { ...web, mode: "one" as const };

const stateOf = (pod: Pod | undefined) => pod?.status.containerStatuses?.[0];

test("container-exit: a container ends with the code that was asked for, and is started again", async () => {
  lab = await Lab.start({ manifests: [app("web", { replicas: 1 })] });
  await lab.inject("container-exit", { target: web, parameters: { exitCode: 3 } });
  await lab.run(1000);

  expect(stateOf((await lab.pods())[0])).toMatchObject({
    restartCount: 1,
    lastState: { terminated: { exitCode: 3, reason: "Error" } },
  });
});

test("oom-kill: the container's last state is OOMKilled with code 137", async () => {
  lab = await Lab.start({ manifests: [app("web", { replicas: 1 })] });
  await lab.inject("oom-kill", { target: web });
  await lab.run(1000);

  expect(stateOf((await lab.pods())[0])?.lastState).toMatchObject({
    terminated: { exitCode: 137, reason: "OOMKilled" },
  });
});

test("crash-loop: the container waits in CrashLoopBackOff, and runs again once healed", async () => {
  lab = await Lab.start({ manifests: [app("web", { replicas: 1 })] });
  const fault = await lab.inject("crash-loop", { target: web });
  await lab.run(15_000);

  expect(stateOf((await lab.pods())[0])).toMatchObject({
    state: { waiting: { reason: "CrashLoopBackOff" } },
  });
  expect(await lab.events("BackOff")).not.toEqual([]);
  await fault.heal();
  await lab.settled(300_000);
});

test("readiness-fail: the pod leaves its Service with an Unhealthy event, and comes back", async () => {
  lab = await Lab.start({ manifests: [app("web"), service("web")] });
  const fault = await lab.inject("readiness-fail", { target: only });
  await lab.run(5000);

  expect((await lab.pods()).filter(isReady)).toHaveLength(1);
  expect(lab.backends("node-1")).toHaveLength(1);
  expect((await lab.events("Unhealthy"))[0]?.message).toBe(
    "Readiness probe failed: HTTP probe failed with statuscode: 503",
  );
  await fault.heal();
  await lab.run(3000);
  expect(lab.backends("node-1")).toHaveLength(2);
});

test("readiness-flap: the pod goes in and out of its Service", async () => {
  lab = await Lab.start({ manifests: [app("web", { probes: { readinessProbe: probe } }), service("web")] });
  await lab.inject("readiness-flap", { target: only, parameters: { period: 4000 } });
  const seen: number[] = [];
  for (let i = 0; i < 4; i++) {
    await lab.run(i === 0 ? 3000 : 4000);
    seen.push(lab.backends("node-1").length);
  }

  expect(seen).toEqual([1, 2, 1, 2]);
});

test("liveness-fail: the container is killed and restarted", async () => {
  lab = await Lab.start({ manifests: [app("web", { replicas: 1, probes: { livenessProbe: probe } })] });
  await lab.inject("liveness-fail", { target: web });
  await lab.run(5000);

  expect(stateOf((await lab.pods())[0])?.restartCount).toBeGreaterThan(0);
  expect((await lab.events("Killing"))[0]?.message).toBe(
    "Container web failed liveness probe, will be restarted",
  );
});

test("startup-fail: the container begins anew and is not let through", async () => {
  lab = await Lab.start({ manifests: [app("web", { replicas: 1, probes: { startupProbe: probe } })] });
  const fault = await lab.inject("startup-fail", { target: web });
  await lab.run(5000);

  expect(stateOf((await lab.pods())[0])).toMatchObject({ started: false });
  expect((await lab.events("Unhealthy"))[0]?.message).toContain("Startup probe failed");
  await fault.heal();
  await lab.settled(300_000);
});

test.each(["process", "finalizer"])(
  "stuck-terminating by %s: the deleted pod stays for longer than its grace period",
  async (by) => {
    lab = await Lab.start({ manifests: [app("web", { replicas: 1 })] });
    const [before] = await lab.pods();
    const fault = await lab.inject("stuck-terminating", { target: web, parameters: { by } });
    await lab.run(30_000);

    const { metadata } = await lab.pod(before?.metadata.name ?? "");
    expect(metadata.deletionTimestamp).toBeDefined();
    await fault.heal();
    await lab.run(3000);
    await expect(lab.pod(before?.metadata.name ?? "")).rejects.toThrow("not found");
  },
);

test("slow-start: the pod is in ContainerCreating for as long as was asked for", async () => {
  lab = await Lab.start();
  await lab.inject("slow-start", { parameters: { delay: 10_000 } });
  await lab.apply(app("web", { replicas: 1 }));
  await lab.run(9000);

  expect(stateOf((await lab.pods())[0])).toMatchObject({
    state: { waiting: { reason: "ContainerCreating" } },
  });
  await lab.run(3000);
  expect((await lab.pods()).every(isReady)).toBe(true);
});

test("image-pull-fail: the pod waits with ErrImagePull, then ImagePullBackOff, and starts once healed", async () => {
  lab = await Lab.start();
  const fault = await lab.inject("image-pull-fail", { parameters: { image: "nginx*" } });
  await lab.apply(app("web", { replicas: 1 }), client());
  await lab.run(1000);

  const web1 = (await lab.pods("default", "app=web"))[0];
  expect(stateOf(web1)).toMatchObject({ state: { waiting: { reason: "ErrImagePull" } } });
  expect(isReady(await lab.pod("client"))).toBe(true);
  expect((await lab.events("Failed")).map(({ message }) => message)).toContainEqual(
    expect.stringMatching(
      /^Failed to pull image "nginx": failed to pull and unpack image "docker.io\/library\/nginx:latest"/,
    ),
  );
  await fault.heal();
  await lab.settled(300_000);
});

test("kill-pod: the pod is gone for good, and its ReplicaSet makes another", async () => {
  lab = await Lab.start({ manifests: [app("web", { replicas: 1 })] });
  const [before] = await lab.pods();
  await lab.inject("kill-pod", { target: web, parameters: { gracePeriodSeconds: 0 } });
  await lab.run(3000);

  const after = await lab.pods();
  expect(after).toHaveLength(1);
  expect(after[0]?.metadata.uid).not.toBe(before?.metadata.uid);
});

test("ip-churn: the pod keeps its name and uid, gets another address, and its Service follows", async () => {
  lab = await Lab.start({ manifests: [app("web", { replicas: 1 }), service("web")] });
  const [before] = await lab.pods();
  await lab.inject("ip-churn", { target: web, parameters: { every: 5000 } });
  await lab.run(3000);

  const [after] = await lab.pods();
  expect(after?.metadata.uid).toBe(before?.metadata.uid);
  expect(after?.status.podIP).not.toBe(before?.status.podIP);
  expect(stateOf(after)).toMatchObject({ restartCount: 1, ready: true });
  expect(lab.backends("node-1")).toContain(after?.status.podIP);
  expect(await lab.events("SandboxChanged")).toHaveLength(1);
  await lab.run(5000);
  expect((await lab.pods())[0]?.status.podIP).not.toBe(after?.status.podIP);
});

test("ip-churn: init containers do their part again before the others", async () => {
  const init = { initContainers: [{ name: "setup", image: "busybox", command: ["true"] }] };
  lab = await Lab.start({ manifests: [app("web", { replicas: 1, pod: init })] });
  await lab.inject("ip-churn", { target: web });
  await lab.settled();

  const status = (await lab.pods())[0]?.status;
  expect(status?.initContainerStatuses?.[0]?.restartCount).toBe(1);
  expect(status?.containerStatuses?.[0]?.restartCount).toBe(1);
});

test("ip-reuse-storm: the other app's pod takes the freed address", async () => {
  lab = await Lab.start({
    nodes: 1,
    manifests: [app("web", { replicas: 1 }), app("other", { replicas: 1 })],
  });
  const addresses = async (): Promise<(string | undefined)[]> =>
    Promise.all(
      ["web", "other"].map(async (name) => (await lab.pods("default", `app=${name}`))[0]?.status.podIP),
    );
  const [web1, other1] = await addresses();
  await lab.inject("ip-reuse-storm", { target: web });
  await lab.settled();

  expect(await addresses()).toEqual([other1, web1]);
});

test("ip-exhaustion: a new pod gets no sandbox, in the words of the CNI plugin, until there are addresses", async () => {
  lab = await Lab.start({ nodes: 1 });
  const fault = await lab.inject("ip-exhaustion");
  await lab.apply(app("web", { replicas: 1 }));
  await lab.run(2000);

  expect((await lab.pods())[0]?.status.podIP).toBeUndefined();
  expect((await lab.events("FailedCreatePodSandBox"))[0]?.message).toMatch(
    /^Failed to create pod sandbox: rpc error: code = Unknown desc = failed to setup network for sandbox ".{64}": plugin type="ptp" failed \(add\): failed to allocate for range 0: no IP addresses available in range set: 10\.244\.0\.1-10\.244\.0\.254$/,
  );
  await fault.heal();
  await lab.settled();
});

test("duplicate-ip: two live pods own one address, packets go to the later one, and healing gives it its own", async () => {
  const echo = (name: string) =>
    app(name, {
      replicas: 1,
      probes: {},
      container: { image: "hashicorp/http-echo", args: [`-text=${name}`, "-listen=:80"] },
    });
  lab = await Lab.start({ nodes: 1, manifests: [echo("web"), echo("other"), client()] });
  const ipOf = async (name: string) => (await lab.pods("default", `app=${name}`))[0]?.status.podIP ?? "";
  const fault = await lab.inject("duplicate-ip", {
    target: { ...web, exclude: [] },
  });
  await lab.settled();
  const ip = await ipOf("web");

  const owners = (await lab.pods()).filter(({ status }) => status.podIP === ip);
  expect(owners).toHaveLength(2);
  await fault.heal();
  await lab.settled();
  expect((await lab.sh("client", `wget -qO- http://${ip}`)).output.trim()).toBe("web");
  expect(new Set((await lab.pods()).map(({ status }) => status.podIP)).size).toBe(3);
});
