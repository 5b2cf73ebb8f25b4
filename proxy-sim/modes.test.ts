import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "@jest/globals";
import { modeFile } from "./mode-file.js";
import { Modes } from "./modes.js";

const directory = mkdtempSync(join(tmpdir(), "modes-"));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test("a restarted proxy comes back in the modes that it was switched to", () => {
  const store = modeFile(join(directory, "restart.json"));
  const before = new Modes("iptables", store);
  before.set("ipvs", "node-2");
  before.set("nftables", "node-3");
  before.forget("node-3");
  const after = new Modes("iptables", store);
  expect(["node-1", "node-2", "node-3"].map((node) => after.of(node))).toEqual([
    "iptables",
    "ipvs-rr",
    "iptables",
  ]);
  expect(after.modeOf("node-2")).toBe("ipvs");
  after.set("userspace");
  expect(new Modes("iptables", store).of("node-2")).toBe("userspace");
});

test("a proxy that is started with another mode takes that one", () => {
  const store = modeFile(join(directory, "other.json"));
  new Modes("iptables", store).set("ipvs-lc");
  expect(new Modes("nftables", store).of("node-1")).toBe("nftables");
});

test("a file that nobody understands is as good as none", () => {
  const path = join(directory, "broken.json");
  for (const text of ["", "[]", '{"startedWith":"iptables","balancer":"ebpf","nodeBalancers":{}}']) {
    writeFileSync(path, text);
    expect(new Modes("iptables", modeFile(path)).of("node-1")).toBe("iptables");
  }
});

test("a mode that does not exist changes nothing", () => {
  const modes = new Modes("iptables");
  expect(() => modes.set("ebpf")).toThrow('unknown proxy mode "ebpf"');
  expect(modes.part).toEqual({ balancer: "iptables", nodeBalancers: {} });
});
