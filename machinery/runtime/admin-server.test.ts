import { afterAll, expect, test } from "@jest/globals";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { adminCall, adminStream, startAdminServer } from "./admin-server.js";

const dir = mkdtempSync(join(tmpdir(), "kubesim-admin-"));
afterAll(() => rmSync(dir, { recursive: true, force: true }));

let sockets = 0;
const newSocket = (): string => join(dir, `${sockets++}.sock`);

test("a call of a path that is no path is answered, and the process lives on", async () => {
  const path = newSocket();
  const server = await startAdminServer(path, { "GET /health": () => ({ ready: true }) });
  await expect(adminCall(path, "GET", "//")).rejects.toMatchObject({ status: 404 });
  expect(await adminCall(path, "GET", "/health")).toEqual({ ready: true });
  await server.close();
});

test("a stream of lines survives characters that are split between chunks", async () => {
  const path = newSocket();
  const text = "é".repeat(200_000);
  const server = await startAdminServer(path, {
    "GET /lines": async function* () {
      yield { text: `x${text}` };
      yield { text };
    },
  });
  const lines: unknown[] = [];
  for await (const line of adminStream(path, "/lines", new AbortController().signal)) lines.push(line);
  expect(lines).toEqual([{ text: `x${text}` }, { text }]);
  await server.close();
});

test("a stream whose reader has gone is ended, though its next line comes later", async () => {
  const path = newSocket();
  let goOn = (): void => {};
  const later = new Promise<void>((resolve) => (goOn = resolve));
  let ended = (): void => {};
  const end = new Promise<void>((resolve) => (ended = resolve));
  let gone = (): void => {};
  const left = new Promise<void>((resolve) => (gone = resolve));
  const server = await startAdminServer(path, {
    "GET /lines": async function* ({ signal }) {
      signal.addEventListener("abort", () => gone());
      try {
        yield 1;
        await later;
        yield 2;
      } finally {
        ended();
      }
    },
  });
  const socket = connect(path);
  socket.write("GET /lines HTTP/1.1\r\nHost: x\r\n\r\n");
  await once(socket, "data");
  socket.destroy();
  await left;
  goOn();
  await end;
  await server.close();
});
