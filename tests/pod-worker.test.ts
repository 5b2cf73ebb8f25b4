import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { ConfigMap, Container } from "../machinery/api/core-v1.js";
import { TestNode } from "./testkit/kubelet-node.js";

let node: TestNode;
beforeEach(() => {
  node = new TestNode();
});
afterEach(() => node.stop());

const web = (extra: Partial<Container> = {}): Container => ({ name: "web", image: "nginx", ...extra });
const shell = (script: string, extra: Partial<Container> = {}): Container => ({
  name: "main",
  image: "busybox:1.36",
  imagePullPolicy: "IfNotPresent",
  command: ["sh", "-c", script],
  ...extra,
});
const phase = (name: string): string => node.pod(name).status.phase;
const status = (name: string) => node.pod(name).status.containerStatuses?.[0];

test("a pod becomes Running and Ready with an address, and tells each step by an event", async () => {
  node.create("web", { containers: [web()] });
  await node.until(() => node.condition("web", "Ready")?.status === "True");

  const { podIP, hostIP, qosClass, startTime } = node.pod("web").status;
  expect({ podIP, hostIP, qosClass }).toEqual({
    podIP: "10.244.0.2",
    hostIP: "172.18.0.3",
    qosClass: "BestEffort",
  });
  expect(startTime).toBe("2026-03-01T00:00:00Z");
  expect(status("web")).toMatchObject({ name: "web", ready: true, started: true, restartCount: 0 });
  expect(status("web")?.image).toBe("docker.io/library/nginx:latest");
  expect(node.reasons("web")).toEqual(["Pulling", "Pulled", "Created", "Started"]);
  expect(node.statusWrites).toBeLessThanOrEqual(3);
});

test("a pod that is deleted gets SIGTERM, reports its end and is removed from the API", async () => {
  node.create("web", { containers: [web()] });
  await node.until(() => phase("web") === "Running");
  node.delete("web");
  await node.until(() => !node.has("web"));

  expect(node.deleted).toEqual(["web"]);
  expect(node.events.at(-1)).toMatchObject({ reason: "Killing", message: "Stopping container web" });
  expect(node.workers.list()).toHaveLength(0);
});

test("preStop is given its time before SIGTERM, within the grace period", async () => {
  node.create("web", { containers: [web({ lifecycle: { preStop: { sleep: { seconds: 5 } } } })] });
  await node.until(() => phase("web") === "Running");
  const startedMs = node.clock.nowMs();
  node.delete("web");
  await node.until(() => !node.has("web"));

  expect(node.clock.nowMs() - startedMs).toBeGreaterThanOrEqual(5000);
  expect(node.clock.nowMs() - startedMs).toBeLessThan(5500);
});

test("a program that ignores SIGTERM is killed at the end of the grace period", async () => {
  node.create("stubborn", { containers: [shell("trap '' TERM; while true; do sleep 1; done")] });
  await node.until(() => phase("stubborn") === "Running");
  const startedMs = node.clock.nowMs();
  node.delete("stubborn", 10);
  await node.until(() => !node.has("stubborn"));

  expect(node.clock.nowMs() - startedMs).toBeGreaterThanOrEqual(10_000);
});

test("a crashing container restarts at once, then backs off for 10 s, 20 s, 40 s", async () => {
  node.create("crash", { containers: [shell("exit 3")] });
  const startsMs: number[] = [];
  for (let restarts = 0; restarts < 5; restarts++) {
    await node.until(
      () => (node.workers.get("default", "crash")?.find("main")?.restartCount ?? -1) >= restarts,
    );
    startsMs.push(node.clock.nowMs());
  }
  const gaps = startsMs.slice(1).map((ms, i) => Math.floor((ms - (startsMs[i] ?? 0)) / 1000));

  expect(gaps).toEqual([0, 10, 20, 40]);
  await node.until(() => status("crash")?.state.waiting?.message?.includes("1m20s") ?? false);
  expect(status("crash")?.state.waiting?.message).toBe(
    "back-off 1m20s restarting failed container=main pod=crash_default(uid-crash)",
  );
  expect(status("crash")?.lastState.terminated).toMatchObject({ exitCode: 3, reason: "Error" });
  expect(phase("crash")).toBe("Running");
  expect(node.reasons("crash")).toContain("BackOff");
});

test("a pod whose container exits with 0 and is not restarted has Succeeded", async () => {
  node.create("job", { restartPolicy: "Never", containers: [shell("echo done")] });
  await node.until(() => phase("job") === "Succeeded");

  expect(status("job")?.state.terminated).toMatchObject({ exitCode: 0, reason: "Completed" });
  expect(node.condition("job", "Ready")).toMatchObject({ status: "False", reason: "PodCompleted" });
  expect(node.pod("job").status.podIP).toBe("10.244.0.2");
});

test("an image that nobody has ends in ErrImagePull, then ImagePullBackOff", async () => {
  node.create("typo", { containers: [{ name: "web", image: "ngnix:1.27" }] });
  await node.until(() => status("typo")?.state.waiting?.reason === "ErrImagePull");
  await node.until(() => status("typo")?.state.waiting?.reason === "ImagePullBackOff");

  expect(status("typo")?.state.waiting?.message).toMatch(
    /^Back-off pulling image "ngnix:1.27": ErrImagePull: /,
  );
  expect(phase("typo")).toBe("Pending");
  node.delete("typo");
  await node.until(() => !node.has("typo"));
});

test("init containers run one after another, and the others wait for them", async () => {
  node.create("app", {
    initContainers: [
      { ...shell("sleep 2"), name: "first" },
      { ...shell("sleep 2"), name: "second" },
    ],
    containers: [web()],
  });
  await node.until(() => node.pod("app").status.initContainerStatuses?.[0]?.state.running !== undefined);
  expect(status("app")?.state.waiting?.reason).toBe("PodInitializing");
  expect(node.condition("app", "Initialized")?.message).toBe(
    "containers with incomplete status: [first second]",
  );
  await node.until(() => phase("app") === "Running");
  expect(node.clock.monotonicMs()).toBeGreaterThanOrEqual(4000);
  expect(node.condition("app", "Initialized")?.status).toBe("True");
});

test("a readiness probe decides when a pod is ready, and takes readiness away after three failures", async () => {
  const readinessProbe = { exec: { command: ["cat", "/tmp/ready"] }, periodSeconds: 5 };
  node.create("probed", {
    containers: [
      shell("sleep 12; touch /tmp/ready; sleep 30; rm /tmp/ready; sleep 1000", { readinessProbe }),
    ],
  });
  await node.until(() => phase("probed") === "Running");
  expect(node.condition("probed", "Ready")).toMatchObject({
    status: "False",
    reason: "ContainersNotReady",
    message: "containers with unready status: [main]",
  });
  await node.until(() => node.condition("probed", "Ready")?.status === "True");
  expect(node.events.find(({ reason }) => reason === "Unhealthy")?.message).toMatch(
    /^Readiness probe failed: cat: can't open '\/tmp\/ready': No such file or directory/,
  );
  await node.until(() => node.condition("probed", "Ready")?.status === "False");
  expect(node.clock.monotonicMs()).toBeGreaterThan(42_000 + 10_000);
});

test("a failing liveness probe restarts the container", async () => {
  const livenessProbe = { httpGet: { path: "/gone", port: 80 }, periodSeconds: 2, failureThreshold: 2 };
  node.create("sick", { containers: [web({ livenessProbe })] });
  await node.until(() => status("sick")?.restartCount === 1);

  const messages = node.events.map(({ message }) => message);
  expect(messages).toContain("Liveness probe failed: HTTP probe failed with statuscode: 404");
  expect(messages).toContain("Container web failed liveness probe, will be restarted");
});

test("a container that failed its liveness probe is not probed while it takes its time to end", async () => {
  const livenessProbe = { exec: { command: ["false"] }, periodSeconds: 1, failureThreshold: 2 };
  node.create("slow", { containers: [shell("trap '' TERM; sleep 1000", { livenessProbe })] });
  await node.until(() => status("slow")?.restartCount === 1);

  const reasons = node.events.map(({ reason }) => reason);
  expect(reasons.filter((reason) => reason === "Unhealthy")).toHaveLength(2);
  expect(reasons.filter((reason) => reason === "Killing")).toHaveLength(1);
  expect(status("slow")?.lastState.terminated).toMatchObject({ exitCode: 137, reason: "Error" });
  expect(status("slow")?.lastState.terminated).not.toHaveProperty("signal");
});

test("files of a Secret have the mode of the volume and cannot be written", async () => {
  node.secrets.set("default/db", {
    apiVersion: "v1",
    kind: "Secret",
    metadata: { name: "db", namespace: "default", uid: "s", resourceVersion: "1", creationTimestamp: "" },
    type: "Opaque",
    data: { password: Buffer.from("secret").toString("base64") },
  });
  const script = "ls -l /db | grep -q -- '^-r-------- ' || exit 2; touch /db/x && exit 3; exit 0";
  node.create("reader", {
    restartPolicy: "Never",
    containers: [shell(script, { volumeMounts: [{ name: "db", mountPath: "/db" }] })],
    volumes: [{ name: "db", secret: { secretName: "db", defaultMode: 0o400 } }],
  });
  await node.until(() => status("reader")?.state.terminated !== undefined);

  expect(status("reader")?.state.terminated).toMatchObject({ exitCode: 0 });
});

test("a volume that cannot be set up is told each time it is tried again", async () => {
  node.create("app", {
    containers: [web()],
    volumes: [{ name: "c", configMap: { name: "app" } }],
  });
  await node.until(() => node.reasons("app").filter((reason) => reason === "FailedMount").length === 4);

  expect(node.clock.monotonicMs()).toBeGreaterThanOrEqual(500 + 1000 + 2000);
});

test("a ConfigMap that is missing keeps the pod in ContainerCreating until it exists", async () => {
  node.create("app", {
    containers: [
      shell("cat /etc/app/colour; sleep 1000", { volumeMounts: [{ name: "c", mountPath: "/etc/app" }] }),
    ],
    volumes: [{ name: "c", configMap: { name: "app" } }],
  });
  await node.until(() => node.reasons("app").includes("FailedMount"));
  expect(node.events[0]?.message).toBe('MountVolume.SetUp failed for volume "c" : configmap "app" not found');
  await node.until(() => status("app")?.state.waiting?.reason === "ContainerCreating");

  node.configMaps.set("default/app", {
    apiVersion: "v1",
    kind: "ConfigMap",
    metadata: { name: "app", namespace: "default", uid: "c", resourceVersion: "1", creationTimestamp: "" },
    data: { colour: "blue\n" },
  });
  node.workers.configChanged("configmap/default/app");
  await node.until(() => phase("app") === "Running", 1000);
});

test("a key that a Secret does not have is a CreateContainerConfigError", async () => {
  const env = [{ name: "PASSWORD", valueFrom: { secretKeyRef: { name: "db", key: "password" } } }];
  node.create("app", { containers: [web({ env })] });
  await node.until(() => status("app")?.state.waiting?.reason === "CreateContainerConfigError");

  expect(status("app")?.state.waiting?.message).toBe('secret "db" not found');
  expect(node.events.at(-1)).toMatchObject({ type: "Warning", message: 'Error: secret "db" not found' });
});

test("a pod that the API says was running gets a new sandbox and its restart count rises", async () => {
  node.create("web", { containers: [web()] });
  await node.until(() => phase("web") === "Running");
  const before = node.pod("web");

  const rebooted = new TestNode();
  rebooted.create("web", { containers: [web()] }, before.status);
  await rebooted.until(() => rebooted.pod("web").status.containerStatuses?.[0]?.restartCount === 1);

  expect(rebooted.reasons("web")[0]).toBe("SandboxChanged");
  expect(rebooted.pod("web").status.containerStatuses?.[0]?.lastState.terminated).toMatchObject({
    exitCode: 255,
    reason: "Unknown",
  });
  await rebooted.stop();
});

test("a pod past its active deadline fails with DeadlineExceeded", async () => {
  node.create("slow", { activeDeadlineSeconds: 5, containers: [shell("sleep 1000")] });
  await node.until(() => phase("slow") === "Failed");

  expect(node.pod("slow").status).toMatchObject({
    reason: "DeadlineExceeded",
    message: "Pod was active on the node longer than the specified deadline",
  });
});

test("a condition of the kubelet that somebody else overwrote is put right", async () => {
  node.create("web", { containers: [web()] });
  await node.until(() => node.condition("web", "Ready")?.status === "True");
  node.change("web", (pod) => ({
    ...pod,
    status: {
      ...pod.status,
      conditions:
        pod.status.conditions?.map((condition) =>
          condition.type === "Ready" ? { ...condition, status: "False" as const } : condition,
        ) ?? [],
    },
  }));
  expect(node.condition("web", "Ready")?.status).toBe("False");
  await node.until(() => node.condition("web", "Ready")?.status === "True");
});

test("a container's last words, or the end of its log, become its termination message", async () => {
  node.create("words", {
    restartPolicy: "Never",
    containers: [
      { ...shell("echo out of luck > /dev/termination-log; exit 7"), name: "writes" },
      {
        ...shell("echo first; echo last line; exit 1"),
        name: "falls-back",
        terminationMessagePolicy: "FallbackToLogsOnError",
      },
    ],
  });
  await node.until(() => phase("words") === "Failed");
  const messages = node.pod("words").status.containerStatuses?.map(({ state }) => state.terminated?.message);
  expect(messages).toEqual(["out of luck\n", "first\nlast line\n"]);
});

test("a pod that the node has no room for fails without being started", async () => {
  const needs = (cpu: string) => web({ resources: { requests: { cpu } } });
  node.create("big", { containers: [needs("3")] });
  node.create("second", { containers: [needs("1500m")] });
  await node.until(() => phase("big") === "Running" && phase("second") === "Failed");
  expect(node.pod("second").status).toMatchObject({
    reason: "OutOfcpu",
    message:
      "Pod was rejected: Node didn't have enough resource: cpu, requested: 1500, used: 3000, capacity: 4000",
  });
  expect(node.reasons("second")).toEqual(["OutOfcpu"]);
});

test("a debug container runs once beside the others and does not change the pod's phase", async () => {
  node.create("web", { containers: [web()] });
  await node.until(() => phase("web") === "Running");
  node.change("web", (pod) => ({
    ...pod,
    spec: { ...pod.spec, ephemeralContainers: [{ ...shell("echo hi; exit 2"), name: "debugger" }] },
  }));
  const debug = () => node.pod("web").status.ephemeralContainerStatuses?.[0];
  await node.until(() => debug()?.state.terminated !== undefined);
  expect(debug()).toMatchObject({
    name: "debugger",
    restartCount: 0,
    state: { terminated: { exitCode: 2 } },
  });
  await node.scheduler.run(30_000);
  expect([phase("web"), node.condition("web", "Ready")?.status, debug()?.restartCount]).toEqual([
    "Running",
    "True",
    0,
  ]);
});

const configMap = (data: Record<string, string>): ConfigMap => ({
  apiVersion: "v1",
  kind: "ConfigMap",
  metadata: { name: "app", namespace: "default", uid: "c", resourceVersion: "1", creationTimestamp: "" },
  data,
});

test("a changed ConfigMap reaches the files of a running container, its variables stay", async () => {
  node.configMaps.set("default/app", configMap({ colour: "blue" }));
  node.create("app", {
    containers: [
      shell("while true; do echo $COLOUR $(cat /etc/app/colour); sleep 1; done", {
        env: [{ name: "COLOUR", valueFrom: { configMapKeyRef: { name: "app", key: "colour" } } }],
        volumeMounts: [{ name: "c", mountPath: "/etc/app" }],
      }),
    ],
    volumes: [{ name: "c", configMap: { name: "app" } }],
  });
  await node.until(() => phase("app") === "Running");
  await node.scheduler.run(1500);
  node.configMaps.set("default/app", configMap({ colour: "green" }));
  node.workers.configChanged("configmap/default/app");
  await node.scheduler.run(1500);

  const lines: string[] = [];
  const log = node.workers.get("default", "app")?.find("main")?.container?.log;
  for await (const { text } of log?.read({ follow: false, signal: new AbortController().signal }) ?? [])
    lines.push(Buffer.from(text).toString());
  expect([lines[0], lines.at(-1)]).toEqual(["blue blue", "blue green"]);
});

test("a sidecar starts before the containers it serves and ends after the last of them", async () => {
  node.create("job", {
    restartPolicy: "Never",
    initContainers: [{ ...shell("sleep 1000"), name: "proxy", restartPolicy: "Always" }],
    containers: [shell("sleep 5")],
  });
  await node.until(() => phase("job") === "Running");
  const started = node.events.filter(({ reason }) => reason === "Started").length;
  expect(started).toBe(2);
  await node.until(() => phase("job") === "Succeeded", 120_000);
  expect(node.pod("job").status.initContainerStatuses?.[0]?.state.terminated).toBeDefined();
});

test("restartPolicy OnFailure restarts a container that failed and leaves one that succeeded", async () => {
  node.create("job", {
    restartPolicy: "OnFailure",
    containers: [
      { ...shell("exit 0"), name: "fine" },
      { ...shell("exit 1"), name: "fails" },
    ],
  });
  const restarts = () => node.pod("job").status.containerStatuses?.map(({ restartCount }) => restartCount);
  await node.until(() => (restarts()?.[1] ?? 0) >= 2);
  expect(restarts()?.[0]).toBe(0);
  expect(phase("job")).toBe("Running");
});

test("liveness waits for the startup probe, however long the program takes", async () => {
  node.create("slow", {
    containers: [
      shell("sleep 25; touch /tmp/up; sleep 1000", {
        startupProbe: { exec: { command: ["cat", "/tmp/up"] }, periodSeconds: 5, failureThreshold: 10 },
        livenessProbe: { exec: { command: ["cat", "/tmp/up"] }, periodSeconds: 1, failureThreshold: 1 },
      }),
    ],
  });
  await node.until(() => status("slow")?.started === true, 120_000);
  expect(node.clock.monotonicMs()).toBeGreaterThan(25_000);
  await node.scheduler.run(10_000);
  expect(status("slow")).toMatchObject({ restartCount: 0, ready: true, started: true });
});

test("a startup probe that never passes restarts the container", async () => {
  const startupProbe = { tcpSocket: { port: 81 }, periodSeconds: 1, failureThreshold: 3 };
  node.create("mute", { containers: [web({ startupProbe })] });
  await node.until(() => status("mute")?.restartCount === 1);
  const messages = node.events.map(({ message }) => message);
  expect(messages).toContain("Startup probe failed: dial tcp 10.244.0.2:81: connect: connection refused");
  expect(messages).toContain("Container web failed startup probe, will be restarted");
});

test("deleting again with a shorter grace period ends the pod sooner", async () => {
  node.create("stubborn", { containers: [shell("trap '' TERM; while true; do sleep 1; done")] });
  await node.until(() => phase("stubborn") === "Running");
  const startedMs = node.clock.nowMs();
  node.delete("stubborn", 600);
  await node.scheduler.run(5000);
  node.delete("stubborn", 1);
  await node.until(() => !node.has("stubborn"));
  expect(node.clock.nowMs() - startedMs).toBeLessThan(8000);
});
