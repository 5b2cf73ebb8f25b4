import { beforeEach, describe, expect, test } from "@jest/globals";
import type { Service } from "../../machinery/api/core-v1.js";
import { refusal, SERVICES, ServiceApi } from "./service-api.js";

let cluster: ServiceApi;
beforeEach(async () => {
  cluster = await ServiceApi.start();
});

const stackOf = ({ spec }: Service) => ({
  policy: spec.ipFamilyPolicy,
  families: spec.ipFamilies?.join(),
  ips: spec.clusterIPs?.map((ip) => (ip.includes(":") ? "IPv6" : ip === "None" ? ip : "IPv4")).join(),
});
const single = { policy: "SingleStack", families: "IPv4", ips: "IPv4" };
const dual = { families: "IPv4,IPv6", ips: "IPv4,IPv6" };

describe("a cluster with IPv4 first", () => {
  test("Service kubernetes has one stack, as every Service that asks for nothing", async () => {
    const kubernetes = (await cluster.api.get(`${SERVICES}/kubernetes`)).body as unknown as Service;
    expect(kubernetes.spec).toMatchObject({ clusterIP: "10.96.0.1", clusterIPs: ["10.96.0.1"] });
    expect(stackOf(kubernetes)).toEqual(single);
    expect(stackOf(await cluster.create({}))).toEqual(single);
  });

  test.each([
    [{ ipFamilyPolicy: "PreferDualStack" }, { policy: "PreferDualStack", ...dual }],
    [{ ipFamilyPolicy: "RequireDualStack" }, { policy: "RequireDualStack", ...dual }],
    [{ ipFamilies: ["IPv6"] }, { policy: "SingleStack", families: "IPv6", ips: "IPv6" }],
    [{ clusterIP: "fd00:10:96::50" }, { policy: "SingleStack", families: "IPv6", ips: "IPv6" }],
    [
      { ipFamilyPolicy: "RequireDualStack", ipFamilies: ["IPv6"] },
      { policy: "RequireDualStack", families: "IPv6,IPv4", ips: "IPv6,IPv4" },
    ],
    [
      { ipFamilyPolicy: "PreferDualStack", clusterIPs: ["fd00:10:96::50"], clusterIP: "fd00:10:96::50" },
      { policy: "PreferDualStack", families: "IPv6,IPv4", ips: "IPv6,IPv4" },
    ],
    [
      { clusterIP: "None", selector: { app: "a" } },
      { policy: "SingleStack", families: "IPv4", ips: "None" },
    ],
    [
      { clusterIP: "None", selector: { app: "a" }, ipFamilyPolicy: "PreferDualStack" },
      { policy: "PreferDualStack", families: "IPv4,IPv6", ips: "None" },
    ],
    [{ clusterIP: "None" }, { policy: "RequireDualStack", families: "IPv4,IPv6", ips: "None" }],
    [
      { clusterIP: "None", ipFamilyPolicy: "SingleStack", ipFamilies: ["IPv6"] },
      { policy: "SingleStack", families: "IPv6", ips: "None" },
    ],
  ])("%j is completed", async (spec, stack) => {
    expect(stackOf(await cluster.create(spec))).toEqual(stack);
  });

  test.each([
    [
      { ipFamilies: ["IPv4", "IPv6"] },
      "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple IP families are specified",
    ],
    [
      { clusterIP: "10.96.0.50", clusterIPs: ["10.96.0.50", "fd00:10:96::50"] },
      "spec.ipFamilyPolicy: Invalid value: \"SingleStack\": must be 'RequireDualStack' or 'PreferDualStack' when multiple cluster IPs are specified",
    ],
    [
      { clusterIP: "10.96.0.50", ipFamilies: ["IPv6"] },
      'spec.clusterIPs[0]: Invalid value: "10.96.0.50": expected an IPv6 value as indicated by `ipFamilies[0]`',
    ],
    [
      {
        ipFamilyPolicy: "RequireDualStack",
        clusterIP: "10.96.0.50",
        clusterIPs: ["10.96.0.50", "10.96.0.51"],
      },
      'spec.clusterIPs: Invalid value: ["10.96.0.50","10.96.0.51"]: may specify no more than one IP for each IP family',
    ],
    [
      { clusterIP: "10.96.0.50", clusterIPs: ["10.96.0.51"] },
      'spec.clusterIPs: Invalid value: ["10.96.0.51"]: first value must match `clusterIP`',
    ],
    [
      { clusterIP: "None", clusterIPs: ["None", "10.96.0.50"] },
      'spec.clusterIPs: Invalid value: ["None","10.96.0.50"]: \'None\' must be the first and only value',
    ],
    [{ ipFamilies: ["IPv4", "IPv4"] }, 'spec.ipFamilies[1]: Duplicate value: "IPv4"'],
    [
      { ipFamilies: ["IPv5"] },
      'spec.ipFamilies[0]: Unsupported value: "IPv5": supported values: "IPv4", "IPv6"',
    ],
    [
      { ipFamilyPolicy: "Both" },
      'spec.ipFamilyPolicy: Unsupported value: "Both": supported values: "PreferDualStack", "RequireDualStack", "SingleStack"',
    ],
    [
      { clusterIP: "010.96.0.50" },
      'spec.clusterIPs[0]: Invalid value: "010.96.0.50": must not have leading 0s',
    ],
    [
      { clusterIP: "::ffff:10.96.0.50" },
      'spec.clusterIPs[0]: Invalid value: "::ffff:10.96.0.50": must not be an IPv4-mapped IPv6 address',
    ],
  ])("%j is refused", async (spec, message) => {
    expect(refusal(await cluster.post(spec))).toBe(message);
  });

  test("a second stack is added by policy, and given up by policy", async () => {
    const { spec } = await cluster.create({});
    const upgraded = await cluster.patch({ ipFamilyPolicy: "PreferDualStack" });
    expect(stackOf(upgraded)).toEqual({ policy: "PreferDualStack", ...dual });
    expect(upgraded.spec.clusterIP).toBe(spec.clusterIP);
    expect(await cluster.addresses()).toEqual(upgraded.spec.clusterIPs);
    const downgraded = await cluster.patch({ ipFamilyPolicy: "SingleStack" });
    expect(stackOf(downgraded)).toEqual(single);
    expect(await cluster.addresses()).toEqual([spec.clusterIP]);
  });

  test("the second address may be asked for by name", async () => {
    const { spec } = await cluster.create({});
    const clusterIPs = [spec.clusterIP ?? "", "fd00:10:96::77"];
    const upgraded = await cluster.patch({ ipFamilyPolicy: "RequireDualStack", clusterIPs });
    expect(upgraded.spec.clusterIPs).toEqual(clusterIPs);
  });

  test("only SingleStack gives up an address, and the first one never changes", async () => {
    const { spec } = await cluster.create({ ipFamilyPolicy: "RequireDualStack" });
    const first = spec.clusterIPs?.[0] ?? "";
    expect(refusal(await cluster.tryPatch({ clusterIPs: [first], ipFamilies: ["IPv4"] }))).toBe(
      "[spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": must be 'SingleStack' to release the secondary cluster IP, spec.ipFamilyPolicy: Invalid value: \"RequireDualStack\": must be 'SingleStack' to release the secondary IP family]",
    );
    const second = [...(spec.clusterIPs ?? [])].reverse();
    const swapped = await cluster.tryPatch({
      clusterIP: second[0],
      clusterIPs: second,
      ipFamilies: ["IPv6", "IPv4"],
    });
    expect(swapped.body.message).toContain("may not change once set");
    expect(await cluster.addresses()).toEqual(spec.clusterIPs);
  });

  test("a PUT of the manifest keeps both addresses", async () => {
    const manifest = { ipFamilyPolicy: "PreferDualStack", ports: [{ port: 80 }] };
    const { spec } = await cluster.create(manifest);
    expect((await cluster.put({ ...manifest, ports: [{ port: 81 }] })).spec.clusterIPs).toEqual(
      spec.clusterIPs,
    );
  });

  test("an ExternalName has no family; what it had as a ClusterIP goes", async () => {
    await cluster.create({ ipFamilyPolicy: "PreferDualStack" });
    const { spec } = await cluster.patch({ type: "ExternalName", externalName: "example.com" });
    expect([spec.clusterIP, spec.clusterIPs, spec.ipFamilies, spec.ipFamilyPolicy]).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
    ]);
    expect(await cluster.addresses()).toEqual([]);
    const given = { type: "ExternalName", externalName: "example.com", ipFamilyPolicy: "SingleStack" };
    expect(refusal(await cluster.post(given, "b"), "b")).toBe(
      "spec.ipFamilyPolicy: Forbidden: may not be set for ExternalName services",
    );
  });
});

describe("clusters of other families", () => {
  test("with IPv6 first, that is what a Service gets", async () => {
    cluster = await ServiceApi.start(["fd00:10:96::/112", "10.96.0.0/12"]);
    const kubernetes = (await cluster.api.get(`${SERVICES}/kubernetes`)).body as unknown as Service;
    expect(kubernetes.spec.clusterIPs).toEqual(["fd00:10:96::1"]);
    expect(stackOf(await cluster.create({ ipFamilyPolicy: "PreferDualStack" }))).toEqual({
      policy: "PreferDualStack",
      families: "IPv6,IPv4",
      ips: "IPv6,IPv4",
    });
  });

  test("with one family, PreferDualStack has to do with it and RequireDualStack is refused", async () => {
    cluster = await ServiceApi.start(["10.96.0.0/12"]);
    const preferred = await cluster.create({ ipFamilyPolicy: "PreferDualStack" });
    expect(stackOf(preferred)).toEqual({ ...single, policy: "PreferDualStack" });
    expect(refusal(await cluster.post({ ipFamilyPolicy: "RequireDualStack" }, "b"), "b")).toBe(
      'spec.ipFamilyPolicy: Invalid value: "RequireDualStack": this cluster is not configured for dual-stack services',
    );
    expect(refusal(await cluster.post({ ipFamilies: ["IPv6"] }, "b"), "b")).toBe(
      'spec.ipFamilies[0]: Invalid value: "IPv6": not configured on this cluster',
    );
    expect(refusal(await cluster.post({ clusterIP: "fd00::5" }, "b"), "b")).toBe(
      'spec.clusterIPs[0]: Invalid value: ["fd00::5"]: IPv6 is not configured on this cluster',
    );
    expect(stackOf(await cluster.create({ clusterIP: "None" }, "c"))).toMatchObject({
      families: "IPv4,IPv6",
    });
  });
});
