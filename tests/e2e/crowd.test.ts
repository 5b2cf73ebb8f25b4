import { spawnSync } from "node:child_process";
import { connect, type Socket } from "node:net";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { eventually, LiveCluster } from "../testkit/live-cluster.js";

const CROWD = 300;
const FEW_FILES = 120;

const havePrlimit = spawnSync("prlimit", ["--version"]).status === 0;

// Clients that open a connection and never send, more than the data plane's process may have files open.
(havePrlimit ? describe : describe.skip)("a crowd beyond the data plane's descriptors", () => {
  let cluster: LiveCluster;
  const sockets: Socket[] = [];

  beforeAll(async () => {
    cluster = await LiveCluster.up("crowd", "-f", "manifests/demo");
  }, 90_000);

  afterAll(async () => {
    for (const socket of sockets) socket.destroy();
    await cluster.dispose();
  }, 30_000);

  const dataPlane = async (): Promise<number> =>
    (await cluster.status()).processes.find(({ name }) => name === "dataplane")?.pid ?? 0;

  test("harms nobody once it is gone: the process lives and the Service answers", async () => {
    const url = new URL(await cluster.nodePortUrl("default/web-nodeport"));
    const answers = async (): Promise<boolean> => (await fetch(url)).status === 200;
    await eventually(answers);
    const pid = await dataPlane();
    expect(spawnSync("prlimit", ["--pid", String(pid), `--nofile=${FEW_FILES}:${FEW_FILES}`]).status).toBe(0);

    let turnedAway = 0;
    for (let i = 0; i < CROWD; i++) {
      const socket = connect({ host: url.hostname, port: Number(url.port) });
      socket.on("error", () => {});
      socket.once("close", () => (turnedAway += 1));
      sockets.push(socket);
    }
    await eventually(async () => turnedAway > 0);
    for (const socket of sockets) socket.destroy();

    await eventually(answers);
    expect(await dataPlane()).toBe(pid);
    expect((await cluster.status()).processes.find(({ name }) => name === "dataplane")?.restarts).toBe(0);
  }, 60_000);
});
