import { beforeEach, describe, expect, test } from "@jest/globals";
import type { Reply } from "../conformance/api-client.js";
import { ServiceApi } from "./service-api.js";

const SLICES = "/apis/discovery.k8s.io/v1/namespaces/default/endpointslices";
const ENDPOINTS = "/api/v1/namespaces/default/endpoints";
const DEPRECATED = '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"';

let cluster: ServiceApi;
beforeEach(async () => {
  cluster = await ServiceApi.start();
});

const postSlice = (addressType: string, endpoint: object, more: object = {}): Promise<Reply> =>
  cluster.api.post(SLICES, { metadata: { name: "x" }, addressType, endpoints: [endpoint], ...more });
const slice = (addressType: string, ...addresses: string[]) => postSlice(addressType, { addresses });
const problem = ({ status, body }: Reply): string | undefined => {
  expect([status, body.reason]).toEqual([422, "Invalid"]);
  return body.message?.replace(/^\S+ "x" is invalid: /, "");
};

describe("EndpointSlice", () => {
  test.each([
    ["IPv4", "10.0.0", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"],
    ["IPv4", "010.0.0.1", "must not have leading 0s"],
    ["IPv6", "::ffff:10.0.0.1", "must not be an IPv4-mapped IPv6 address"],
    ["IPv4", "fd00::1", "must be an IPv4 address"],
    ["IPv6", "10.0.0.1", "must be an IPv6 address"],
    ["IPv4", "0.0.0.0", "may not be unspecified (0.0.0.0)"],
    ["IPv6", "::", "may not be unspecified (::)"],
    ["IPv4", "127.0.0.1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"],
    ["IPv4", "127.8.0.1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"],
    ["IPv6", "::1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"],
    ["IPv4", "169.254.169.254", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"],
    ["IPv6", "febf::1", "may not be in the link-local range (169.254.0.0/16, fe80::/10)"],
    ["IPv4", "224.0.0.251", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"],
    ["IPv6", "ff02::fb", "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)"],
    ["FQDN", "web", "should be a domain with at least two segments separated by dots"],
  ])("of type %s does not hold %s", async (type, address, message) => {
    const shown = JSON.stringify(address);
    expect(problem(await slice(type, address))).toBe(
      `endpoints[0].addresses[0]: Invalid value: ${shown}: ${message}`,
    );
  });

  test("addresses of every kind are taken that traffic can go to", async () => {
    expect((await slice("IPv6", "fd00:10:244::5")).status).toBe(201);
    await cluster.api.delete(`${SLICES}/x`);
    expect((await slice("FQDN", "web.example.com.")).headers["warning"]).toBe(
      '299 - "spec.addressType: FQDN endpoints are deprecated"',
    );
  });

  test("its size has limits", async () => {
    const endpoints = Array.from({ length: 1001 }, () => ({ addresses: ["10.0.0.1"] }));
    expect(problem(await postSlice("IPv4", {}, { endpoints }))).toBe(
      "endpoints: Too many: 1001: must have at most 1000 items",
    );
    expect(problem(await slice("IPv4"))).toBe(
      "endpoints[0].addresses: Required value: must contain at least 1 address",
    );
    expect(problem(await slice("IPv4", ...Array.from({ length: 101 }, () => "10.0.0.1")))).toBe(
      "endpoints[0].addresses: Too many: 101: must have at most 100 items",
    );
  });

  test("hints name zones and nodes once each, eight of each at most", async () => {
    const hint = (hints: object) => postSlice("IPv4", { addresses: ["10.0.0.1"], hints });
    const many = Array.from({ length: 9 }, (_, i) => ({ name: `n${i}` }));
    expect(problem(await hint({ forZones: many }))).toBe(
      "endpoints[0].hints.forZones: Too many: 9: must have at most 8 items",
    );
    expect(problem(await hint({ forNodes: many }))).toBe(
      "endpoints[0].hints.forNodes: Too many: 9: must have at most 8 items",
    );
    expect(problem(await hint({ forZones: [{ name: "a" }, { name: "a" }] }))).toBe(
      'endpoints[0].hints.forZones[1].name: Duplicate value: "a"',
    );
    const hints = { forZones: [{ name: "a" }], forNodes: [{ name: "node-1" }] };
    expect((await hint(hints)).body).toMatchObject({ endpoints: [{ hints }] });
  });

  test("its address type never changes, and an address in odd form brings a warning", async () => {
    const { headers } = await slice("IPv6", "FD00::0001");
    expect(headers["warning"]).toBe(
      '299 - "endpoints[0].addresses[0]: IPv6 address \\"FD00::0001\\" should be in RFC 5952 canonical format (\\"fd00::1\\")"',
    );
    const put = await cluster.api.put(`${SLICES}/x`, {
      metadata: { name: "x" },
      addressType: "IPv4",
      endpoints: [],
    });
    expect(problem(put)).toBe('addressType: Invalid value: "IPv4": field is immutable');
  });
});

describe("Endpoints", () => {
  const post = (...ips: string[]) =>
    cluster.api.post(ENDPOINTS, {
      metadata: { name: "x" },
      subsets: [{ addresses: ips.map((ip) => ({ ip })), ports: [{ port: 80 }] }],
    });

  test("every answer about them says that they are deprecated", async () => {
    expect((await post("10.0.0.1")).headers["warning"]).toBe(DEPRECATED);
    expect((await cluster.api.get(ENDPOINTS)).headers["warning"]).toBe(DEPRECATED);
  });

  test.each([
    ["127.0.0.1", "may not be in the loopback range (127.0.0.0/8, ::1/128)"],
    ["10.0.0.01", "must not have leading 0s"],
    ["web", "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)"],
  ])("do not hold %s", async (ip, message) => {
    expect(problem(await post(ip))).toBe(
      `subsets[0].addresses[0].ip: Invalid value: ${JSON.stringify(ip)}: ${message}`,
    );
  });
});
