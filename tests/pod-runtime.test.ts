import { expect, test } from "@jest/globals";
import { TestPods, textOf } from "./testkit/pods.js";

test("a pod fetches nginx's welcome page from another pod with busybox wget", async () => {
  const pods = new TestPods();
  const { sandbox, container } = await pods.start({ image: "nginx:1.27" });
  expect(sandbox.ip).toBe("10.244.0.2");
  const { stdout, exit } = await pods.sh(
    `wget -qO- http://${sandbox.ip} | grep title || true; wget -qO- ${sandbox.ip}`,
  );
  expect(exit).toMatchObject({ exitCode: 0, reason: "Completed" });
  expect(stdout).toContain("<title>Welcome to nginx!</title>");
  const log = (await pods.output(container)).stdout;
  expect(log).toMatch(/10\.244\.0\.3 - - \[.* \+0000\] "GET \/ HTTP\/1\.1" 200 615 "-" "Wget" "-"/);
});

test("deleting nginx ends it at once, deleting sleep as PID 1 takes the grace period", async () => {
  const pods = new TestPods();
  const nginx = await pods.start({ image: "nginx" });
  const startedAtMs = pods.clock.nowMs();
  await pods.until(nginx.container.stop(30_000));
  expect(pods.clock.nowMs() - startedAtMs).toBeLessThan(100);
  expect(await nginx.container.exited).toMatchObject({ exitCode: 0 });

  const sleep = await pods.start({ command: ["sh", "-c", "sleep 3600"] });
  const beforeMs = pods.clock.nowMs();
  await pods.until(sleep.container.stop(30_000));
  expect(pods.clock.nowMs() - beforeMs).toBeGreaterThanOrEqual(30_000);
  expect(await sleep.container.exited).toMatchObject({ exitCode: 137, signal: 9, reason: "Error" });
});

test("a program that is not in the image fails to start with runc's message", async () => {
  const pods = new TestPods();
  const { container } = await pods.create({ command: ["foo"] });
  await expect(pods.until(container.start())).rejects.toThrow(
    'exec: "foo": executable file not found in $PATH: unknown',
  );
  expect(await container.exited).toMatchObject({ exitCode: 128, reason: "StartError" });
  const { container: running } = await pods.start({ image: "nginx" });
  await expect(running.exec({ command: ["/foo"], stdin: false, tty: false })).rejects.toThrow(
    'exec: "/foo": stat /foo: no such file or directory: unknown',
  );
});

test("an image that nobody has, or a tag that does not exist, fails to pull", async () => {
  const pods = new TestPods();
  await expect(pods.until(pods.runtime.pullImage("nginx:1.161"))).rejects.toMatchObject({
    reason: "ErrImagePull",
    message:
      'rpc error: code = NotFound desc = failed to pull and unpack image "docker.io/library/nginx:1.161": failed to resolve reference "docker.io/library/nginx:1.161": docker.io/library/nginx:1.161: not found',
  });
  await expect(pods.until(pods.runtime.pullImage("ngnix"))).rejects.toMatchObject({ reason: "ErrImagePull" });
  await expect(pods.until(pods.runtime.pullImage("UPPER:x"))).rejects.toMatchObject({
    reason: "InvalidImageName",
  });
});

test("a stdinOnce container replays its output to its first attach, then ends with its exit code", async () => {
  const pods = new TestPods();
  const { container } = await pods.start({
    command: ["sh", "-c", "echo one; sleep 1; echo two >&2; exit 3"],
    stdin: true,
    stdinOnce: true,
  });
  await pods.scheduler.run(100);
  const session = container.attach({ stdin: true });
  const outputs = Promise.all([textOf(session.stdout), textOf(session.stderr)]);
  expect(await pods.until(outputs)).toEqual(["one\n", "two\n"]);
  expect(await pods.until(session.exited)).toBe(3);
  const later = container.attach({ stdin: false });
  expect(await pods.until(textOf(later.stdout))).toBe("");
});

test("what is typed reaches the program, and the end of input ends it", async () => {
  const pods = new TestPods();
  const { container } = await pods.start({ command: ["cat"], stdin: true, stdinOnce: true });
  const session = container.attach({ stdin: true });
  const output = textOf(session.stdout);
  await session.stdin?.write(Buffer.from("hello\n"));
  session.stdin?.end();
  expect(await pods.until(output)).toBe("hello\n");
  expect(await pods.until(session.exited)).toBe(0);
});

test("an exec'd interactive shell prompts, echoes, and survives Ctrl-C", async () => {
  const pods = new TestPods();
  const { container } = await pods.start({ command: ["sleep", "3600"] });
  const session = await container.exec({ command: ["sh"], stdin: true, tty: true });
  const output = textOf(session.stdout);
  const type = async (text: string): Promise<void> => {
    await session.stdin?.write(Buffer.from(text));
    await pods.scheduler.run(200);
  };
  await type("echo hi\r");
  await type("sleep 100\r");
  await type("\x03");
  await type("echo $?\r");
  await type("exit 4\r");
  expect(await pods.until(output)).toBe(
    "/ # echo hi\r\nhi\r\n/ # sleep 100\r\n^C\r\n/ # echo $?\r\n130\r\n/ # exit 4\r\n",
  );
  expect(await pods.until(session.exited)).toBe(4);
});

test("pod addresses go round, or come back at once when the policy is adversarial", async () => {
  const ips = async (ipReuse: "delayed" | "immediate" | "adversarial"): Promise<string[]> => {
    const pods = new TestPods({ ipReuse });
    const first = await pods.start();
    const second = await pods.start();
    await second.sandbox.remove();
    await first.sandbox.remove();
    const third = await pods.start();
    const fourth = await pods.start();
    return [first, second, third, fourth].map(({ sandbox }) => sandbox.ip);
  };
  expect(await ips("delayed")).toEqual(["10.244.0.2", "10.244.0.3", "10.244.0.4", "10.244.0.5"]);
  expect(await ips("immediate")).toEqual(["10.244.0.2", "10.244.0.3", "10.244.0.2", "10.244.0.3"]);
  expect(await ips("adversarial")).toEqual(["10.244.0.2", "10.244.0.3", "10.244.0.2", "10.244.0.3"]);
});

test("containers of one sandbox share its volumes and its loopback", async () => {
  const { newPodVolume } = await import("../kubelet-sim/runtime/pod-volume.js");
  const volume = newPodVolume();
  volume.replace(new Map([["index.html", Buffer.from("from a ConfigMap\n")]]));
  const pods = new TestPods();
  const { container } = await pods.start({
    image: "nginx",
    mounts: [{ path: "/usr/share/nginx/html", volume, readOnly: true }],
  });
  const before = await pods.exec(container, ["wget", "-qO-", "http://localhost"]);
  expect(before).toEqual({ exitCode: 0, stdout: "from a ConfigMap\n", stderr: "" });
  volume.replace(new Map([["index.html", Buffer.from("changed\n")]]));
  expect((await pods.exec(container, ["cat", "/usr/share/nginx/html/index.html"])).stdout).toBe("changed\n");
  expect((await pods.exec(container, ["sh", "-c", "echo x > /usr/share/nginx/html/x"])).stderr).toContain(
    "Read-only file system",
  );
});

test("a client that only watches does not end the input of a stdinOnce container", async () => {
  const pods = new TestPods();
  const { container } = await pods.start({ command: ["cat"], stdin: true, stdinOnce: true });
  const watcher = container.attach({ stdin: false });
  expect(watcher.stdin).toBeUndefined();
  watcher.detach();
  await pods.scheduler.run(100);
  const writer = container.attach({ stdin: true });
  await writer.stdin?.write(Buffer.from("still here\n"));
  writer.detach();
  expect(await pods.until(container.exited)).toMatchObject({ exitCode: 0 });
  expect((await pods.output(container)).stdout).toBe("still here\n");
});

test("a program that prints faster than its attached client reads waits, and no byte is lost", async () => {
  const pods = new TestPods();
  const script = "i=0; while [ $i -lt 400 ]; do seq 1 1000; i=$((i+1)); done";
  const { container } = await pods.start({ command: ["sh", "-c", script], stdin: true, stdinOnce: true });
  const session = container.attach({ stdin: false });
  let ended = false;
  const exited = container.exited.then(() => {
    ended = true;
  });
  await pods.scheduler.run(60_000);
  expect(ended).toBe(false);
  let sizeBytes = 0;
  const reading = (async () => {
    for await (const chunk of session.stdout) sizeBytes += chunk.length;
  })();
  await pods.until(Promise.all([reading, exited]));
  expect(sizeBytes).toBe(400 * 3893);
});

test("a log keeps its newest megabytes and says which lines are whole", async () => {
  const pods = new TestPods({ logLimitBytes: 64 * 1024 });
  const { container } = await pods.start({
    command: ["sh", "-c", "seq 1 20000; printf unfinished; printf err >&2"],
  });
  await pods.until(container.exited);
  const lines = [];
  for await (const line of container.log.read({ follow: true, signal: new AbortController().signal })) {
    lines.push({ ...line, text: Buffer.from(line.text).toString() });
  }
  expect(lines.length).toBeGreaterThan(1000);
  expect(lines.length).toBeLessThan(20_000);
  expect(lines.slice(-3).map(({ text, complete, stream }) => [text, complete, stream])).toEqual([
    ["20000", true, "stdout"],
    ["unfinished", false, "stdout"],
    ["err", false, "stderr"],
  ]);
});
