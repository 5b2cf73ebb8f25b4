import { expect, test } from "@jest/globals";
import { TestPods, textOf } from "./testkit/pods.js";

const NETSHOOT = { image: "nicolaka/netshoot:latest" };

test("curl tells by its exit code why it failed", async () => {
  const pods = new TestPods();
  const { sandbox } = await pods.start({ image: "nginx" });
  const url = `http://${sandbox.ip}`;
  const curl = async (args: string) => {
    const { stdout, stderr, exit } = await pods.sh(`curl -sS ${args}`, NETSHOOT);
    return { stdout, stderr, code: exit.exitCode };
  };
  expect((await curl(url)).stdout).toContain("Welcome to nginx!");
  expect(await curl(`-o /dev/null -w '%{http_code} %{size_download}\\n' ${url}`)).toEqual({
    stdout: "200 615\n",
    stderr: "",
    code: 0,
  });
  expect(await curl(`-f ${url}/nope`)).toEqual({
    stdout: "",
    stderr: "curl: (22) The requested URL returned error: 404\n",
    code: 22,
  });
  expect(await curl("http://nope.example")).toMatchObject({
    stderr: "curl: (6) Could not resolve host: nope.example\n",
    code: 6,
  });
  expect((await curl(`${url}:81`)).code).toBe(7);
  expect((await curl("--connect-timeout 1 http://10.244.9.9")).code).toBe(7);
  expect((await curl(`-I ${url}`)).stdout).toMatch(/^HTTP\/1\.1 200 OK\r?\nServer: nginx\/1\.27\.5/);
});

test("a server that hangs is given up after curl's -m and wget's -T", async () => {
  const pods = new TestPods();
  const { sandbox } = await pods.start({ command: ["sh", "-c", "sleep 9999 | nc -lk -p 80"] });
  const curl = await pods.sh(`curl -sS -m 2 http://${sandbox.ip}`, NETSHOOT);
  expect(curl.exit.exitCode).toBe(28);
  expect(curl.stderr).toMatch(/Operation timed out after 2\d\d\d milliseconds with 0 bytes received/);
  const wget = await pods.sh(`wget -T 2 -qO- http://${sandbox.ip}`);
  expect(wget).toMatchObject({ stderr: "wget: download timed out\n", exit: { exitCode: 1 } });
});

test("nc carries bytes both ways, and -z only tries", async () => {
  const pods = new TestPods();
  const server = await pods.start({ command: ["sh", "-c", "echo from-server | nc -l -p 9000"] });
  const ip = server.sandbox.ip;
  const client = await pods.sh(`nc -zv ${ip} 9001; echo $?; echo from-client | nc ${ip} 9000`);
  expect(client.stdout).toBe("1\nfrom-server\n");
  expect(client.stderr).toBe(`nc: ${ip} (${ip}:9001): Connection refused\n`);
  expect((await pods.output(server.container)).stdout).toBe("from-client\n");
});

test("a trap ends a loop of sleeps on SIGTERM, after the sleep", async () => {
  const pods = new TestPods();
  const script = "trap 'echo stopping; exit 0' TERM; while true; do sleep 1; done";
  const { container } = await pods.start({ command: ["sh", "-c", script] });
  await pods.scheduler.run(1500);
  await pods.until(container.stop(30_000));
  expect(await container.exited).toMatchObject({ exitCode: 0 });
  expect((await pods.output(container)).stdout).toBe("stopping\n");
});

test("a trap interrupts wait at once", async () => {
  const pods = new TestPods();
  const script = "trap 'echo got it; exit 7' TERM; sleep 3600 & wait";
  const { container } = await pods.start({ command: ["sh", "-c", script] });
  const startedAtMs = pods.clock.nowMs();
  await pods.until(container.stop(30_000));
  expect(pods.clock.nowMs() - startedAtMs).toBeLessThan(100);
  expect(await container.exited).toMatchObject({ exitCode: 7 });
});

test("a loop without end lets time pass, and SIGKILL ends it", async () => {
  const pods = new TestPods();
  const { container } = await pods.start({ command: ["sh", "-c", "while :; do :; done"] });
  const piped = await pods.start({ command: ["sh", "-c", "yes > /dev/null"] });
  await pods.scheduler.run(50);
  await pods.until(Promise.all([container.stop(100), piped.container.stop(100)]));
  expect(await container.exited).toMatchObject({ exitCode: 137 });
});

test("a reader that stops early ends its endless writer", async () => {
  const pods = new TestPods();
  const { stdout, exit } = await pods.sh("yes | head -n 2; yes hello | head -c 12; echo; echo done");
  expect(stdout).toBe("y\ny\nhello\nhello\n\ndone\n");
  expect(exit.exitCode).toBe(0);
});

test("tail -f follows what another process writes", async () => {
  const pods = new TestPods();
  const script = "echo a > /tmp/log; (sleep 3; echo b >> /tmp/log) & timeout 6 tail -f /tmp/log";
  const { stdout } = await pods.sh(script);
  expect(stdout).toBe("a\nb\n");
});

test("ps shows the container's processes, and they can be killed by name", async () => {
  const pods = new TestPods();
  const { container } = await pods.start({ command: ["sh", "-c", "sleep 3600 & sleep 7200"] });
  await pods.scheduler.run(10);
  const { stdout } = await pods.exec(container, ["ps"]);
  expect(stdout).toMatch(
    /^PID {3}USER {5}TIME {2}COMMAND\n {4}1 root {6}0:00 sh -c sleep 3600 & sleep 7200\n/,
  );
  expect(stdout).toContain("sleep 7200");
  await pods.exec(container, ["killall", "sleep"]);
  expect(await pods.until(container.exited)).toMatchObject({ exitCode: 143 });
});

test("wget speaks as busybox does about what it saved", async () => {
  const pods = new TestPods();
  const { sandbox } = await pods.start({ image: "nginx" });
  const { stdout, stderr } = await pods.sh(
    `cd /tmp; wget http://${sandbox.ip}/index.html; wc -c < index.html; wget -S -O /dev/null http://${sandbox.ip}/x`,
  );
  expect(stdout.trim()).toBe("615");
  expect(stderr).toContain(
    `Connecting to ${sandbox.ip} (${sandbox.ip}:80)\nsaving to 'index.html'\nindex.html           100% |********************************|   615  0:00:00 ETA\n'index.html' saved\n`,
  );
  expect(stderr).toContain("  HTTP/1.1 404 Not Found\n");
  expect(stderr).toMatch(/wget: server returned error: HTTP\/1\.1 404 Not Found\n$/);
});

test("a script read from standard input runs line by line", async () => {
  const pods = new TestPods();
  const { container } = await pods.start({ command: ["sleep", "3600"] });
  const script = 'read first\nhello world\necho "got $first"\nfor i in 1 2\ndo echo $i\ndone\n';
  expect(await pods.exec(container, ["sh"], script)).toEqual({
    stdout: "got hello world\n1\n2\n",
    stderr: "",
    exitCode: 0,
  });
});

test("words of the shell about what is missing", async () => {
  const pods = new TestPods();
  const { stderr, exit } = await pods.sh("nope; cat /none; cat < /none; echo x > /no/such; if; then");
  expect(stderr).toBe('sh: syntax error: unexpected ";"\n');
  expect(exit.exitCode).toBe(2);
  const lines = await pods.sh(
    "nope\ncat /none\ncat < /none\necho x > /no/such\ntouch /tmp/f; /tmp/f; /tmp; echo $?",
  );
  expect(lines.stderr).toBe(
    "sh: nope: not found\ncat: can't open '/none': No such file or directory\nsh: can't open /none: no such file\nsh: can't create /no/such: nonexistent directory\nsh: /tmp/f: Permission denied\nsh: /tmp: Permission denied\n",
  );
  expect(lines.stdout).toBe("126\n");
});

test("a terminal container shows its prompt when attached later, and Ctrl-D ends it", async () => {
  const pods = new TestPods();
  const { container } = await pods.start({ command: ["sh"], stdin: true, stdinOnce: true, tty: true });
  await pods.scheduler.run(1000);
  const session = container.attach({ stdin: true });
  const output = textOf(session.stdout);
  await session.stdin?.write(Buffer.from("echo $((6*7)); tty=$(ls /etc/hostname)\r"));
  await pods.scheduler.run(100);
  await session.stdin?.write(Buffer.from("\x04"));
  expect(await pods.until(output)).toBe("/ # echo $((6*7)); tty=$(ls /etc/hostname)\r\n42\r\n/ # \r\n");
  expect(await pods.until(session.exited)).toBe(0);
});

test("the interactive shell edits its line: history, cursor keys, Tab, Ctrl-C", async () => {
  const pods = new TestPods();
  const { container } = await pods.start({ command: ["sleep", "3600"] });
  const session = await container.exec({ command: ["sh"], stdin: true, tty: true });
  const output = textOf(session.stdout);
  const keys = [
    "echo one\r",
    "\x1b[A\x7f\x7f\x7ftwo\r", // the last line again, with another word
    "echo bc\x1b[D\x1b[Da\r", // two to the left
    "cat /etc/hostn\t\r",
    "nonsense\x03",
    "echo $?\r",
    "\x04",
  ];
  for (const key of keys) {
    await session.stdin?.write(Buffer.from(key));
    await pods.scheduler.run(50);
  }
  const shown = await pods.until(output);
  const results = shown.split("\r\n").filter((line) => !line.includes("#"));
  expect(results).toEqual(["one", "two", "abc", "pod-0", "130", ""]);
  expect(shown).toContain("/ # cat /etc/hostname \r\n");
  expect(shown).toContain("/ # nonsense^C\r\n/ # ");
});

test("a script that grows without bound is stopped, and its node goes on", async () => {
  const pods = new TestPods();
  const status = async (script: string): Promise<number> => (await pods.sh(script)).exit.exitCode;
  expect(await status("f() { f; }; f")).toBe(2);
  expect(await status("x=aaaaaaaa; while :; do x=$x$x; done")).toBe(2);
  expect(await status("b() { b | b & }; b; sleep 1; echo $?")).toBeGreaterThanOrEqual(0);
  expect(await status("yes > /tmp/full")).toBe(1);
  expect((await pods.sh("i=0; while touch /tmp/f$i; do i=$((i+1)); done; echo $i")).stdout).toMatch(
    /^\d{4,5}\n$/,
  );
}, 60_000);
