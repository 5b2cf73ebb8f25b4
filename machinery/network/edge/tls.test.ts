import { generateKeyPairSync } from "node:crypto";
import { expect, test } from "@jest/globals";
import { issueCertificate } from "../../runtime/certificate.js";
import { systemClock } from "../../runtime/system-clock.js";
import { connectionPair } from "../memory-pipe.js";
import type { Connection } from "../network.js";
import { peekClientHello } from "./client-hello.js";
import { acceptTls, dialTls, toSecureContext } from "./tls.js";

const clock = systemClock();

function aPair(): { client: Connection; server: Connection } {
  const near = { ip: "10.244.0.2", port: 40000 };
  const far = { ip: "10.244.0.3", port: 443 };
  const [client, server] = connectionPair({
    clock,
    near: { local: near, remote: far },
    far: { local: far, remote: near },
  });
  return { client, server };
}

function aContext(commonName: string) {
  const { publicKey, privateKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const cert = issueCertificate(
    { commonName, names: [commonName], usages: ["server"], publicKey },
    { commonName, privateKey },
    { serial: Buffer.from([1]), notBeforeMs: 1.7e12, notAfterMs: 4e12 },
  );
  return toSecureContext({ cert, key: privateKey.export({ type: "pkcs8", format: "pem" }).toString() });
}

test("the name that a client asks for chooses the certificate, and bytes go both ways", async () => {
  const contexts = new Map([
    [undefined, aContext("default.example")],
    ["a.example", aContext("a.example")],
  ]);
  const asked: (string | undefined)[] = [];
  for (const name of ["a.example", "10.244.0.3"]) {
    const { client, server } = aPair();
    const accepted = acceptTls(server, {
      clock,
      contextFor: (serverName) => {
        asked.push(serverName);
        return contexts.get(serverName) ?? aContext("unexpected");
      },
    });
    const secure = await dialTls(client, name, clock);
    const serverSide = await accepted;
    await secure.write(Buffer.from("ping"));
    expect(Buffer.from((await serverSide.read()) ?? []).toString()).toBe("ping");
    await serverSide.write(Buffer.from("pong"));
    expect(Buffer.from((await secure.read()) ?? []).toString()).toBe("pong");
    secure.end();
    expect(await serverSide.read()).toBeUndefined();
    serverSide.end();
    expect(await secure.read()).toBeUndefined();
  }
  expect(asked).toEqual(["a.example", undefined]);
});

test("what is no TLS is refused", async () => {
  const { client, server } = aPair();
  const accepted = acceptTls(server, { clock, contextFor: () => aContext("x") });
  await client.write(Buffer.from("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  await expect(accepted).rejects.toThrow();
});

test("a hello is understood however the network cuts it, and random bytes never break the reader", async () => {
  const { client, server } = aPair();
  const dialing = dialTls(client, "shop.example", clock).catch(() => {});
  const whole = await peekClientHello(server);
  expect(whole.serverName).toBe("shop.example");
  const bytes = [...whole.bytes];
  const one = await peekClientHello({
    read: () => {
      const next = bytes.shift();
      return Promise.resolve(next === undefined ? undefined : Uint8Array.of(next));
    },
  });
  expect(one.serverName).toBe("shop.example");
  for (let cut = 0; cut < whole.bytes.length; cut += 7) {
    const parts = [whole.bytes.subarray(0, cut)];
    const { serverName } = await peekClientHello({ read: () => Promise.resolve(parts.shift()) });
    expect([undefined, "shop.example"]).toContain(serverName);
  }
  server.reset();
  await dialing;
});
